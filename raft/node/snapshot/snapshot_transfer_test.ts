import { assert, assertEquals, assertRejects } from "@std/assert";
import { RaftTransportService } from "../../../proto/gen/raft.ts";
import { KvError } from "../../../rpc/errors.ts";
import { MemoryNetwork } from "../../../rpc/memory/memory_network.ts";
import { type Route, unary } from "../../../rpc/service.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { VirtualClock } from "../../../runtime/virtual_clock.ts";
import { EngineError, type KeyValue } from "../../../storage/engine.ts";
import { generationRange, machineKey, machinePrefix } from "../../../storage/key_space.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import { PeerRegistry } from "../members/peer_registry.ts";
import { appliedWrite } from "../members/roster_codec.ts";
import { firstRoster, UNKNOWN_INCARNATION } from "../members/roster.ts";
import { SnapshotReceiver, type StagedSnapshot } from "./snapshot_receiver.ts";
import { checksumOf, SnapshotSource } from "./snapshot_source.ts";

const CLUSTER_ID = "5";
const ADDRESSES = new Map([[1, "leader:1"], [2, "follower:1"]]);
const applied = { index: 50, term: 3, roster: firstRoster(ADDRESSES) };
/** Incarnation of the follower. */
const INCARNATION = "77";
/** More than one chunk holds. */
const PAIRS = 3_000;
const VALUE_BYTES = 500;

/** A leader with data, a follower without, and what they say to each other. */
class Transfer {
  readonly registry: PeerRegistry;
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly leader: MemoryEngine;
  readonly follower = new MemoryEngine();
  readonly abandoned: number[] = [];
  readonly failures: unknown[] = [];
  readonly staged: StagedSnapshot[] = [];
  readonly source: SnapshotSource;
  readonly receiver = new SnapshotReceiver({
    identity: { clusterId: CLUSTER_ID, gid: 1, nodeId: 2 },
    incarnation: INCARNATION,
    addressOf: (peer) => ADDRESSES.get(peer),
    engine: this.follower,
    dialer: this.network.dialer("follower:1"),
    clock: this.clock,
    prng: createPrng(1),
    logger: silentLogger,
    onStaged: (staged) => this.staged.push(staged),
    onFatal: (error) => {
      throw error;
    },
  }, 1);

  private constructor(leader: MemoryEngine, registry: PeerRegistry) {
    this.leader = leader;
    this.registry = registry;
    this.source = new SnapshotSource({
      identity: { clusterId: CLUSTER_ID, gid: 1, nodeId: 1 },
      registry,
      engine: leader,
      clock: this.clock,
      logger: silentLogger,
      onAbandoned: (peer) => this.abandoned.push(peer),
      onFatal: (error) => this.failures.push(error),
    });
  }

  static async create(): Promise<Transfer> {
    const engine = new MemoryEngine();
    return new Transfer(engine, await PeerRegistry.load({ engine, self: 1, mustMeet: [] }));
  }

  async fill(): Promise<void> {
    for (let i = 0; i < PAIRS; i++) await this.put(`key ${i}`, "v".repeat(VALUE_BYTES));
    await this.leader.write([appliedWrite(1, applied)], { sync: true });
  }

  async put(name: string, text: string): Promise<void> {
    const key = machineKey(machinePrefix(1), Buffer.from(name));
    await this.leader.write([{ type: "put", key, value: Buffer.from(text) }], { sync: false });
  }

  serve(route: Route = this.source.route): void {
    this.network.serve("leader:1", [route]);
  }

  /** Offers a snapshot and waits until it lies complete at the follower. */
  async run(): Promise<StagedSnapshot> {
    const snapshot = await this.source.open(2, 1);
    this.receiver.offer({ type: "snapshot", from: 1, to: 2, term: 3, snapshot });
    await this.clock.advanceUntil(() => this.staged.length > 0, 60_000);
    return this.staged[0] as StagedSnapshot;
  }

  async contents(engine: MemoryEngine, generation: number): Promise<string[]> {
    const pairs = await engine.scan(generationRange(generation));
    return pairs.map(({ key, value }) => `${key.subarray(5).toString("latin1")}=${value}`);
  }

  async close(): Promise<void> {
    await this.receiver.close();
    await this.source.close();
    assertEquals(this.leader.stats().properties.openIterators, 0);
  }
}

Deno.test("a snapshot arrives whole, as it was when it was opened", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  const before = await transfer.contents(transfer.leader, 1);
  transfer.serve();
  const snapshot = await transfer.source.open(2, 1);
  await transfer.put("key 1", "changed since");
  await transfer.put("key new", "came since");
  transfer.receiver.offer({ type: "snapshot", from: 1, to: 2, term: 3, snapshot });
  await transfer.clock.advanceUntil(() => transfer.staged.length > 0, 60_000);
  assertEquals(snapshot.index, applied.index);
  const generation = transfer.staged[0]?.generation ?? 0;
  assertEquals(await transfer.contents(transfer.follower, generation), before);
  await transfer.close();
});

Deno.test("a snapshot survives lost answers and damaged chunks", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  let calls = 0;
  const { handler } = transfer.source.route as Extract<Route, { kind: "unary" }>;
  transfer.serve(unary(RaftTransportService.fetchSnapshot, async (request, context) => {
    const chunk = await handler(request, context);
    calls++;
    if (calls % 3 === 1) throw new KvError("UNAVAILABLE", "The answer is lost");
    return calls % 3 === 2 ? { ...chunk, checksum: chunk.checksum + 1 } : chunk;
  }));
  const { generation } = await transfer.run();
  assertEquals(
    await transfer.contents(transfer.follower, generation),
    await transfer.contents(transfer.leader, 1),
  );
  await transfer.close();
});

/** Has the engine do something else for the so manyth read of an iterator. */
function onNthRead(engine: MemoryEngine, nth: number, read: () => Promise<KeyValue[]>): void {
  const iterate = engine.iterate.bind(engine);
  let reads = 0;
  engine.iterate = (range) => {
    const iterator = iterate(range);
    return {
      next: (limit) => ++reads === nth ? read() : iterator.next(limit),
      close: () => iterator.close(),
    };
  };
}

// The first read of all is that of what is applied, the second belongs to the first chunk.
for (const nth of [2, 3, 8]) {
  Deno.test(`a snapshot of which read ${nth} fails is given up, and so is the leader`, async () => {
    const transfer = await Transfer.create();
    await transfer.fill();
    transfer.serve();
    const error = new EngineError("corruption", "A block fails its checksum");
    onNthRead(transfer.leader, nth, () => Promise.reject(error));
    const snapshot = await transfer.source.open(2, 1);
    transfer.receiver.offer({ type: "snapshot", from: 1, to: 2, term: 3, snapshot });
    await transfer.clock.advance(60_000);
    assertEquals(transfer.staged, []);
    assertEquals(transfer.abandoned, [2]);
    assertEquals(transfer.failures, [error]);
    await transfer.close();
  });
}

Deno.test("a snapshot that is given up while it is read is no failure of the engine", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  transfer.serve();
  // As RocksDB answers once its iterator is closed.
  const closed = Promise.withResolvers<KeyValue[]>();
  const reading = Promise.withResolvers<void>();
  onNthRead(transfer.leader, 2, () => {
    reading.resolve();
    return closed.promise;
  });
  const snapshot = await transfer.source.open(2, 1);
  transfer.receiver.offer({ type: "snapshot", from: 1, to: 2, term: 3, snapshot });
  await transfer.clock.advance(100);
  await reading.promise;
  await transfer.source.open(2, 1);
  closed.reject(new EngineError("io", "Cannot call next() after end()"));
  await transfer.clock.advance(100);
  assertEquals([transfer.failures, transfer.abandoned], [[], []]);
  await transfer.close();
});

Deno.test("a snapshot that does not say what is applied is given up", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  const { handler } = transfer.source.route as Extract<Route, { kind: "unary" }>;
  transfer.serve(unary(RaftTransportService.fetchSnapshot, async (request, context) => {
    const { records, done } = await handler(request, context);
    const rest = request.sequence === 0 ? records.slice(1) : records;
    return { records: rest, done, checksum: checksumOf(rest) };
  }));
  const snapshot = await transfer.source.open(2, 1);
  transfer.receiver.offer({ type: "snapshot", from: 1, to: 2, term: 3, snapshot });
  await transfer.clock.advance(20_000);
  assertEquals(transfer.staged, []);
  assertEquals(await transfer.contents(transfer.follower, 2), []);
  await transfer.close();
});

Deno.test("a snapshot of large values is read a few at a time", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  for (let i = 0; i < 40; i++) await transfer.put(`a large ${i}`, "v".repeat(1 << 20));
  transfer.serve();
  const iterate = transfer.leader.iterate.bind(transfer.leader);
  let largest = 0;
  transfer.leader.iterate = (range) => {
    const iterator = iterate(range);
    return {
      next: async (limit) => {
        const pairs = await iterator.next(limit);
        largest = Math.max(largest, pairs.reduce((sum, { value }) => sum + value.length, 0));
        return pairs;
      },
      close: () => iterator.close(),
    };
  };
  const { generation } = await transfer.run();
  assertEquals(
    await transfer.contents(transfer.follower, generation),
    await transfer.contents(transfer.leader, 1),
  );
  assert(largest <= 17 << 20, `${largest} bytes at once`);
  await transfer.close();
});

Deno.test("a view nobody asks for is given up, and the leader is told", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  transfer.serve();
  const { id: snapshotId } = await transfer.source.open(2, 1);
  const request = { clusterId: CLUSTER_ID, gid: 1, from: 2, to: 1, fromIncarnation: INCARNATION };
  const channel = transfer.network.dialer("follower:1").channel("leader:1");
  await channel.unary(
    RaftTransportService.fetchSnapshot,
    { ...request, snapshotId, sequence: 0 },
    { timeoutMs: 1_000 },
  );
  await transfer.clock.advance(29_000);
  assertEquals(transfer.abandoned, []);
  await transfer.clock.advance(2_000);
  assertEquals(transfer.abandoned, [2]);
  await transfer.close();
});

Deno.test("a follower that asks for the first chunk anew has lost the others: the leader is told at once", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  transfer.serve();
  const snapshot = await transfer.source.open(2, 1);
  assertEquals(transfer.source.offered(2), snapshot);
  const request = { clusterId: CLUSTER_ID, gid: 1, from: 2, to: 1, fromIncarnation: INCARNATION };
  const channel = transfer.network.dialer("follower:1").channel("leader:1");
  const ask = (sequence: number) =>
    channel.unary(
      RaftTransportService.fetchSnapshot,
      { ...request, snapshotId: snapshot.id, sequence },
      { timeoutMs: 1_000 },
    );
  await ask(0);
  await ask(0);
  await ask(1);
  assertEquals(transfer.abandoned, []);
  const error = await assertRejects(() => ask(0), KvError);
  assertEquals([error.code, transfer.abandoned], ["NOT_FOUND", [2]]);
  assertEquals(transfer.source.offered(2), undefined);
  await transfer.close();
});

Deno.test("an offer that is not taken up is soon given up, because it may be lost", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  await transfer.source.open(2, 1);
  await transfer.clock.advance(4_000);
  assertEquals(transfer.abandoned, [2]);
  await transfer.close();
});

Deno.test("a pull that fails clears what it has staged", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  const snapshot = await transfer.source.open(2, 1);
  let chunks = 0;
  const { handler } = transfer.source.route as Extract<Route, { kind: "unary" }>;
  transfer.serve(unary(RaftTransportService.fetchSnapshot, async (request, context) => {
    if (++chunks > 2) throw new KvError("UNAVAILABLE", "The leader is gone");
    return await handler(request, context);
  }));
  transfer.receiver.offer({ type: "snapshot", from: 1, to: 2, term: 3, snapshot });
  await transfer.clock.advance(60_000);
  assertEquals(transfer.staged, []);
  assertEquals(await transfer.contents(transfer.follower, 2), []);
  await transfer.close();
});

Deno.test("SnapshotSource.open() refuses while nothing is applied", async () => {
  const transfer = await Transfer.create();
  await assertRejects(() => transfer.source.open(2, 1), KvError, "nothing is applied");
  await transfer.close();
});

Deno.test("a follower that has lost its disk gets no snapshot under its old id", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  await transfer.registry.admit(2, "another life");
  transfer.serve();
  const snapshot = await transfer.source.open(2, 1);
  transfer.receiver.offer({ type: "snapshot", from: 1, to: 2, term: 3, snapshot });
  await transfer.clock.advance(60_000);
  assertEquals(transfer.staged, []);
  await transfer.close();
});

Deno.test("who asks for a snapshot that was not offered is not remembered", async () => {
  const transfer = await Transfer.create();
  await transfer.fill();
  transfer.serve();
  const { id: snapshotId } = await transfer.source.open(2, 1);
  const channel = transfer.network.dialer("stranger:1").channel("leader:1");
  const ask = (from: number, snapshotId: number) => {
    const request = { clusterId: CLUSTER_ID, gid: 1, from, to: 1, fromIncarnation: INCARNATION };
    return channel.unary(
      RaftTransportService.fetchSnapshot,
      { ...request, snapshotId, sequence: 0 },
      { timeoutMs: 1_000 },
    );
  };
  for (const [from, id] of [[1_000_000, snapshotId], [2, snapshotId + 1]] as const) {
    const error = await assertRejects(() => ask(from, id), KvError, "it was given up");
    assertEquals(error.code, "NOT_FOUND");
    assertEquals(transfer.registry.incarnationOf(from), UNKNOWN_INCARNATION);
  }
  await ask(2, snapshotId);
  assertEquals(transfer.registry.incarnationOf(2), INCARNATION);
  await transfer.close();
});
