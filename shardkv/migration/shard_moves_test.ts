/** How a group fetches a shard, from a source whose answers the test gives. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type FreezeShardRequest,
  type PullShardRequest,
  type PullShardResponse,
  ShardTransferServiceService,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { MemoryNetwork } from "../../rpc/memory/memory_network.ts";
import { unary } from "../../rpc/service.ts";
import { sleep } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { BRAKE_MS_MIN, DEFAULT_GROUP_LIMITS, LOOK_CHUNKS } from "../limits.ts";
import { changeCursor, changeNumberOf, isChangeCursor } from "../machine/machine_keys.ts";
import { configChain, MachineHarness } from "../testing/machine_harness.ts";
import { FakeLog } from "../testing/service_harness.ts";
import { Arrivals } from "./arrivals.ts";
import { MoveProgress } from "./move_progress.ts";
import { pullShard } from "./shard_moves.ts";

const RECORD = { key: Buffer.from("\x02k"), value: Buffer.from("v"), deleted: false };

function chunk(cursor: Buffer, facts: Partial<PullShardResponse> = {}): PullShardResponse {
  const figures = { keysTotal: 1, bytesTotal: 2, changes: 0 };
  return { records: [], cursor, ended: false, done: false, ...figures, ...facts };
}

/** A source with one record and no changes. */
function quiet({ cursor }: PullShardRequest): PullShardResponse {
  if (cursor.length === 0) return chunk(RECORD.key, { records: [RECORD] });
  return chunk(changeCursor(0), { ended: true });
}

/** Group 100, which gains the only shard from group 200 in configuration 2. */
async function gainer() {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock });
  const group = new MachineHarness(100);
  const chain = configChain([200], [100]);
  for (const config of chain) assertEquals(await group.config(config), "done");
  const { machine } = group;
  const log = new FakeLog(group);
  const pulls: PullShardRequest[] = [];
  const freezes: FreezeShardRequest[] = [];
  const source = {
    pull: quiet,
    freeze: ({ cursor }: FreezeShardRequest) => Promise.resolve(chunk(cursor, { done: true })),
  };
  network.serve("g200n0", [
    unary(ShardTransferServiceService.pullShard, async (request) => {
      pulls.push(request);
      await sleep(clock, 1);
      return source.pull(request);
    }),
    unary(ShardTransferServiceService.freezeShard, (request) => {
      freezes.push(request);
      return source.freeze(request);
    }),
  ]);
  const arrivals = new Arrivals(clock);
  const progress = new MoveProgress({ machine, clock });
  const stop = new AbortController();
  const dialer = network.dialer();
  const pull = () =>
    pullShard({
      gid: 100,
      log,
      machine,
      dialer,
      controllers: { query: () => Promise.reject(new KvError("UNAVAILABLE", "Not now")) },
      clock,
      prng: createPrng(1),
      logger: silentLogger,
      limits: DEFAULT_GROUP_LIMITS,
      progress,
      arrivals,
      signal: stop.signal,
    }, { kind: "pull", shard: 0, from: 200, servers: ["g200n0"], configNum: 2 });
  const close = async () => {
    stop.abort();
    await dialer.close();
    await group.close();
  };
  return { clock, group, log, source, pulls, freezes, arrivals, progress, pull, close };
}

Deno.test("pullShard() fetches records, then changes, and has the shard frozen when little is left", async () => {
  const { clock, group, pulls, freezes, arrivals, pull, close } = await gainer();
  await clock.resolve(pull(), 10_000);
  assertEquals(group.statuses(), { 0: "GCing" });
  const cursors = pulls.map(({ cursor }) => `${cursor.subarray(0, 2).toString("hex")}`);
  assertEquals(cursors, ["", "026b", "0300"], "each chunk is fetched once");
  assertEquals(freezes.map(({ cursor }) => changeNumberOf(cursor)), [0]);
  assertEquals(arrivals.areExpected, false);
  await close();
});

Deno.test("pullShard() lets clients wait from the freeze on: writes for the last chunk's place in the log, reads for its effect", async () => {
  const { clock, log, source, arrivals, progress, pull, close } = await gainer();
  const frozen = Promise.withResolvers<void>();
  source.freeze = ({ cursor }) => frozen.promise.then(() => chunk(cursor, { done: true }));
  const pulling = pull();
  await clock.advanceUntil(() => arrivals.isExpected(0), 1_000, 1);
  assertEquals(progress.list().map(({ phase }) => phase), ["HandingOver"]);
  const seen: string[] = [];
  arrivals.holdWrites([0]).then(() => seen.push("write"));
  arrivals.holdReads([0]).then(() => seen.push("read"));
  const applied = Promise.withResolvers<void>();
  log.gate = applied.promise;
  await clock.advance(10);
  assertEquals(seen, []);
  frozen.resolve();
  await clock.advance(10);
  assertEquals(seen, ["write"]);
  applied.resolve();
  await clock.resolve(pulling, 1_000);
  assertEquals(seen, ["write", "read"]);
  await close();
});

Deno.test("pullShard() keeps nobody waiting once it has failed, and proposes nothing again then", async () => {
  for (const code of ["NOT_LEADER", "LEADERSHIP_LOST"] as const) {
    const { clock, log, source, arrivals, pull, close } = await gainer();
    source.freeze = ({ cursor }) => {
      assert(arrivals.isExpected(0));
      log.propose = () => Promise.reject(new KvError(code, "Not here"));
      return Promise.resolve(chunk(cursor, { done: true }));
    };
    await assertRejects(() => clock.resolve(pull(), 1_000), KvError, "Not here");
    assertEquals([arrivals.areExpected, clock.pending], [false, 0]);
    await close();
  }
});

Deno.test("pullShard() proposes a chunk again while the log is only busy", async () => {
  const { clock, group, log, pulls, pull, close } = await gainer();
  const propose = log.propose.bind(log);
  let refusals = 5;
  log.propose = (payload) =>
    refusals-- > 0 ? Promise.reject(new KvError("OVERLOADED", "Busy")) : propose(payload);
  await clock.resolve(pull(), 10_000);
  assertEquals([group.statuses(), pulls.length], [{ 0: "GCing" }, 3]);
  await close();
});

Deno.test("pullShard() gives up when its log refuses what the source sends", async () => {
  const { clock, source, pull, close } = await gainer();
  // No key of any kind.
  source.pull = () => chunk(RECORD.key, { records: [{ ...RECORD, key: Buffer.from("\x09") }] });
  await assertRejects(() => clock.resolve(pull(), 10_000), KvError, "the log answered 'refused'");
  await close();
});

Deno.test("pullShard() goes on where the copy ends if another leader's chunk came before its own", async () => {
  const { clock, group, source, log, pull, close } = await gainer();
  const propose = log.propose.bind(log);
  let isFirst = true;
  log.propose = async (payload) => {
    if (isFirst) {
      isFirst = false;
      const cursors = { cursorBefore: Buffer.alloc(0), cursorAfter: Buffer.from("\x02m") };
      await group.insert({ configNum: 2, shard: 0, ...cursors, records: [RECORD], done: false });
    }
    return propose(payload);
  };
  const after: string[] = [];
  source.pull = (request) => {
    after.push(isChangeCursor(request.cursor) ? "changes" : request.cursor.toString());
    return quiet(request);
  };
  await clock.resolve(pull(), 10_000);
  assertEquals(after, ["", "\x02k", "\x02m", "changes"]);
  await close();
});

Deno.test("pullShard() asks ever more seldom while the source has nothing new and is not done", async () => {
  const { clock, source, pulls, pull, close } = await gainer();
  source.pull = ({ cursor }) => chunk(cursor);
  const pulling = pull().catch(() => {});
  await clock.advance(10_000);
  assert(pulls.length > 20 && pulls.length < 80, `it asked ${pulls.length} times`);
  await close();
  await pulling;
});

Deno.test("pullShard() has writers slowed down that are faster than the copy", async () => {
  const { clock, source, pulls, pull, close } = await gainer();
  source.pull = (request) => {
    if (!isChangeCursor(request.cursor)) return chunk(changeCursor(0));
    const at = changeNumberOf(request.cursor) + 1;
    return chunk(changeCursor(at), { records: [RECORD], changes: 1_000 * at });
  };
  const pulling = pull().catch(() => {});
  await clock.advanceUntil(() => pulls.length > 3 * LOOK_CHUNKS, 1_000, 1);
  assertEquals(pulls[0]?.brakeMs, 0);
  assert((pulls.at(-1)?.brakeMs ?? 0) >= BRAKE_MS_MIN);
  await close();
  await pulling;
});
