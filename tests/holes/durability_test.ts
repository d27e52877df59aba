import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { RaftNode } from "../../raft/node/raft_node.ts";
import { RegisterMachine } from "../../raft/node/testing/register_machine.ts";
import { assertReplicasEqual } from "../../raft/node/testing/replica_content.ts";
import { TestGroup } from "../../raft/node/testing/test_group.ts";
import type { NodeId } from "../../raft/types.ts";
import { MemoryNetwork } from "../../rpc/memory/memory_network.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { type Engine, EngineError } from "../../storage/engine.ts";
import { fullKey } from "../../storage/full_key.ts";
import { FileJournal } from "../../storage/journal/file_journal.ts";
import { segmentName } from "../../storage/journal/journal_segment.ts";
import { appliedKey, nodeKey } from "../../storage/key_space.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import { RocksdbEngine } from "../../storage/rocksdb_engine.ts";
import { KvGroup } from "../scenarios/kv/kv_group.ts";
import { RecordingEngine, type Step } from "./recording_engine.ts";

/** A group of its own whose engines are recorded; ended whatever happens. */
async function withRecords(
  size: number,
  retainedEntriesMax: number,
  body: (group: TestGroup, engine: (id: NodeId) => RecordingEngine) => Promise<void>,
): Promise<void> {
  const engines = new Map<NodeId, RecordingEngine>();
  const group = await TestGroup.start(size, 1, {
    retainedEntriesMax,
    engine: (id, engine) => {
      const recording = new RecordingEngine(engine);
      engines.set(id, recording);
      return recording;
    },
  });
  try {
    await body(group, (id) => {
      const engine = engines.get(id);
      assert(engine !== undefined);
      return engine;
    });
  } finally {
    await group.stop();
  }
}

/** A group of one on an engine that somebody else has written. */
function openAlone(engine: Engine, clock = new VirtualClock()) {
  const machine = new RegisterMachine();
  const failures: unknown[] = [];
  const opened = RaftNode.open({
    identity: { clusterId: "7", gid: 1, nodeId: 1 },
    members: new Map([[1, "node1:1"]]),
    engine,
    machine,
    dialer: new MemoryNetwork({ clock }).dialer("node1:1"),
    clock,
    prng: createPrng(1),
    logger: silentLogger,
    onFatal: (error) => failures.push(error),
  });
  return { opened, machine, clock, failures };
}

function textOf(value: Uint8Array | undefined): string {
  return new TextDecoder().decode(value);
}

Deno.test("E3: a machine that knows no sessions replays nothing that its data shows already", () =>
  withRecords(3, 10, async (group) => {
    let expected = "";
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 5; i++) expected = await group.write(`x=${round % 10}`);
      // Whatever part of the unsynced writes the power cut spares.
      await group.crash(...group.ids);
      for (const id of group.ids) await group.restart(id);
    }
    await group.write("y=end");
    await group.converge();
    assertEquals(expected.length, 100);
    assertEquals(await assertReplicasEqual(group), expected);
  }));

Deno.test("E3: appends read the same after a restart, and a repeated one is known again", async () => {
  await using group = await KvGroup.start({ replicas: 3 });
  const client = group.client();
  const key = Buffer.from("k");
  for (const word of ["a", "b", "c"]) await group.run(client.append(key, Buffer.from(word)));
  for (let round = 0; round < 3; round++) {
    await group.crashAll();
    assertEquals(textOf(await group.run(client.get(key))), "abc");
  }
  // The power goes while the appends are under way: the clerk sends those again that were applied.
  for (let round = 0; round < 5; round++) {
    const appended = group.run(client.append(key, Buffer.from(`${round}`)));
    await group.store.ctrl.clock.advance(2 * round);
    await group.crashAll();
    await appended;
  }
  assertEquals(textOf(await group.run(client.get(key))), "abc01234");
});

/** What a node of three entries has stored: its engine, and the records of its journal. */
async function storedNode(): Promise<{ engine: MemoryEngine; records: readonly Buffer[] }> {
  let recording: RecordingEngine | undefined;
  const group = await TestGroup.start(1, 1, {
    engine: (_, engine) => recording = new RecordingEngine(engine),
  });
  for (const text of ["a", "b", "c"]) await group.write(`x=${text}`);
  const engine = new MemoryEngine();
  const pairs = await group.engine(1).scan({ start: Buffer.of(0), end: Buffer.of(0x7f) });
  await engine.write(pairs.map((pair) => ({ type: "put", ...pair })), { sync: true });
  await group.stop();
  assert(recording !== undefined);
  return { engine, records: recording.records };
}

Deno.test("E5: a log whose file is cut at any byte, or has any byte changed, is refused", async () => {
  const { engine, records } = await storedNode();
  const directory = await Deno.makeTempDir();
  const written = await FileJournal.open(directory);
  for (const record of records) await written.append([record]);
  await written.close();
  const path = `${directory}/${segmentName(1)}`;
  const sound = await Deno.readFile(path);

  const open = async (bytes: Uint8Array) => {
    await Deno.writeFile(path, bytes);
    const journal = await FileJournal.open(directory);
    try {
      const node = await openAlone(new RecordingEngine(engine, journal)).opened;
      await node.stop();
    } finally {
      await journal.close();
    }
  };
  const assertRefused = async (bytes: Uint8Array, what: string) => {
    const error = await assertRejects(() => open(bytes), Error, undefined, what);
    assert(error instanceof EngineError && error.kind === "corruption", `${what}: ${error}`);
  };
  await open(sound);
  for (let length = 0; length < sound.length; length++) {
    await assertRefused(sound.subarray(0, length), `cut to ${length} bytes`);
  }
  for (let at = 0; at < sound.length; at++) {
    const flipped = sound.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 0x10;
    await assertRefused(flipped, `byte ${at} flipped`);
  }
  await Deno.remove(directory, { recursive: true });
});

/** An engine that has been through some steps and then lost its power. */
async function diskAfter(steps: readonly Step[], loses: "nothing" | "what was not synced") {
  const disk = new MemoryEngine();
  const synced = steps.findLastIndex((step) => "sync" in step && step.sync);
  for (const [i, step] of steps.entries()) {
    if ("record" in step) await disk.journal.append([step.record]);
    else if ("forgotten" in step) await disk.journal.forget(step.forgotten);
    else if (loses === "nothing" || i <= synced) await disk.write(step.writes, step);
  }
  return disk;
}

for (const loses of ["nothing", "what was not synced"] as const) {
  Deno.test(`E6: whatever a node has written when the power goes, log and state fit (it loses ${loses})`, () =>
    withRecords(3, 4, async (group, engine) => {
      await group.write("x=<start>");
      const leader = await group.leader();
      const away = group.ids.find((id) => id !== leader) ?? 0;
      for (let round = 0; round < 2; round++) {
        group.isolate(away);
        for (let i = 0; i < 12; i++) await group.write(`x=<${round}.${i}>`);
        group.heal();
        await group.converge(40_000);
      }
      const { steps, batches } = engine(away);
      const isInstall = ({ writes }: { writes: readonly { key: Uint8Array }[] }) =>
        writes.some(({ key }) => nodeKey("generation").equals(key));
      assertEquals(batches.filter(isInstall).length, 2, "Snapshots that were installed");

      for (let kept = 0; kept <= steps.length; kept++) {
        const disk = await diskAfter(steps.slice(0, kept), loses);
        const { opened, machine } = openAs(disk, away, group);
        const node = await opened;
        const words = String(await node.reader.get(Buffer.from("register/x")) ?? "").match(
          /<[^>]+>/g,
        );
        assertEquals(words?.length ?? 0, machine.count, `After ${kept} steps`);
        await node.stop();
      }
    }));
}

function openAs(engine: Engine, nodeId: NodeId, group: TestGroup) {
  const clock = new VirtualClock();
  const machine = new RegisterMachine();
  const opened = RaftNode.open({
    identity: { clusterId: "7", gid: 1, nodeId },
    members: new Map(group.ids.map((id) => [id, group.address(id)])),
    engine,
    machine,
    dialer: new MemoryNetwork({ clock }).dialer(group.address(nodeId)),
    clock,
    prng: createPrng(1),
    logger: silentLogger,
    onFatal: () => {},
  });
  return { opened, machine };
}

Deno.test("E8: closing the database under a node that applies breaks nothing, in either order", async () => {
  for (const [round, order] of (["node", "database", "node", "database"] as const).entries()) {
    const directory = await Deno.makeTempDir();
    const engine = await RocksdbEngine.open(`${directory}/db`);
    const { opened, clock, failures } = openAlone(engine);
    const node = await opened;
    while (node.status().role !== "leader") await clock.advance(100);
    const outcomes = Array.from(
      { length: 200 },
      () => node.propose(Buffer.from("x=a")).then(() => "done", () => "refused"),
    );
    await clock.advance(round);
    const stopped = order === "node" ? node.stop() : undefined;
    await engine.close();
    await (stopped ?? node.stop());
    assertEquals((await Promise.all(outcomes)).length, 200);
    assertEquals(
      failures.every((failure) => order === "database" && failure instanceof Error),
      true,
    );

    const again = await RocksdbEngine.open(`${directory}/db`);
    const reopened = openAlone(again);
    await (await reopened.opened).stop();
    await again.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("E9: a storage error stops the node, acknowledges nothing and diverges nothing", () =>
  withRecords(3, 100, async (group, engine) => {
    await group.write("x=a");
    await group.converge();
    const leader = await group.leader();
    // The log can still be written, the machine's data cannot.
    engine(leader).failure = ({ sync }) =>
      sync ? undefined : new EngineError("io", "Cannot write: the disk is broken");
    const outcome = group.node(leader).propose(Buffer.from("x=b")).then(
      () => "done",
      ({ code }) => code,
    );
    assertEquals(await group.clock.resolve(outcome, 10_000), "INTERNAL");
    assertEquals(group.failures.map(String), ["EngineError: Cannot write: the disk is broken"]);
    assertEquals(
      await group.clock.resolve(
        group.node(leader).propose(Buffer.from("x=c")).catch(({ code }) => code),
        10,
      ),
      "NOT_LEADER",
    );

    await group.crash(leader);
    group.failures.length = 0;
    await group.restart(leader);
    await group.write("x=d");
    await group.converge();
    const value = await assertReplicasEqual(group);
    assert(["ad", "abd"].includes(value), value);
    assertEquals(group.failures, []);
  }));

Deno.test("E19: an append costs the same however long the log is, and a heartbeat nothing", () =>
  withRecords(3, 10_000, async (group, engine) => {
    const costs: number[] = [];
    for (const entries of [10, 1_000]) {
      while (group.node(await group.leader()).status().lastIndex < entries) await group.write("y=");
      await group.converge();
      const follower = engine(group.ids.find((id) => id !== costs[0]) ?? 1);
      const first = follower.steps.length;
      await group.write("z=");
      await group.converge();
      costs.push(follower.bytesFrom(first));
      const idle = follower.steps.length;
      await group.clock.advance(10_000);
      assertEquals(follower.steps.length, idle, "Heartbeats were written");
    }
    const [short = 0, long = 0] = costs;
    assertLess(long, short + 20);
    assertLess(long, 400);
  }));

Deno.test("E34: entries and vote are one record, a machine's changes one batch with the applied index", () =>
  withRecords(3, 4, async (group, engine) => {
    for (let i = 0; i < 40; i++) await group.write(`x=${i}`);
    await group.crash(await group.leader());
    for (let i = 0; i < 10; i++) await group.write(`x=${i}`);
    const id = await group.leader();
    const { steps, records } = engine(id);
    assertGreater(records.length, 40);
    const batches = engine(id).batches.map(({ writes, sync }) => ({
      sync,
      regions: new Set(writes.map((write) => fullKey(write)[0])),
      hasApplied: writes.some(({ key }) => appliedKey(1).equals(key)),
    }));
    const machine = batches.filter(({ regions }) => regions.has(3));
    assertGreater(machine.length, 10);
    assert(
      machine.every(({ hasApplied }) => hasApplied),
      "Data was written without its applied index",
    );
    assert(machine.every(({ sync }, i) => !sync || i === 0), "What the log can replay was synced");
    for (const [i, step] of steps.entries()) {
      if (!("forgotten" in step)) continue;
      const start = steps.slice(0, i).findLast((before) =>
        "writes" in before && before.writes.some(({ key }) => nodeKey("logStart").equals(key))
      );
      assert(
        start !== undefined && "sync" in start && start.sync,
        "Records went before their time",
      );
    }
    assertEquals(group.engine(id).stats().properties.openIterators, 0);
  }));
