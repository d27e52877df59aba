/** A shard is served while it is copied, and its hand-over is short. */
import { assert, assertEquals } from "@std/assert";
import { Op } from "../../../proto/gen/shardkv.ts";
import { setFailpoint } from "../../../runtime/failpoint.ts";
import type { Gid } from "../../../shardctrler/configuration/config.ts";
import { MOVE_FAILPOINTS, type MoveFailpoint } from "../../../shardkv/migration/failpoints.ts";
import { keyIn } from "../../../shardkv/testing/machine_harness.ts";
import { Appender } from "../appender.ts";
import { checkAll } from "../player.ts";
import { SHARDS, ShardStage } from "./shard_stage.ts";

const LOSER = 100;
const GAINER = 200;
const GIDS = [LOSER, GAINER];
/** The shard that moves in all tests. */
const SHARD = 0;
/** Small, so that a copy takes seconds of virtual time. */
const CHUNK_BYTES = 8_000;

/** Two groups, and a shard at the first with so many values of 1,000 bytes. */
async function openStage(values: number, chunkBytes = CHUNK_BYTES): Promise<ShardStage> {
  const stage = await ShardStage.start({ gids: GIDS, tuning: { limits: { chunkBytes } } });
  await stage.join(LOSER, GAINER);
  await moveTo(stage, LOSER);
  await stage.settle(...GIDS);
  const client = stage.client();
  const entries = Array.from({ length: values }, (_, i) => {
    return [keyIn(SHARD, SHARDS, 1_000 + i), "v".repeat(1_000)] as const;
  });
  await stage.run(client.putMany(entries));
  return stage;
}

async function moveTo(stage: ShardStage, gid: Gid): Promise<void> {
  await stage.run(stage.store.admin.move(SHARD, gid));
}

/** Whether the shard has come to the group and is served there. */
function isServedBy(stage: ShardStage, gid: Gid): boolean {
  const leader = stage.store.leader(gid);
  if (leader === -1) return false;
  const held = stage.store.node(gid, leader).status().shards.find((it) => it.shardId === SHARD);
  return held?.status === "Serving" || held?.status === "GCing";
}

/** Calls again and again and notes how long the longest call took. */
class Pacer {
  calls = 0;
  longestMs = 0;
  readonly #stage: ShardStage;
  readonly #call: (n: number) => Promise<unknown>;
  readonly #pauseMs: number;

  constructor(stage: ShardStage, pauseMs: number, call: (n: number) => Promise<unknown>) {
    this.#stage = stage;
    this.#pauseMs = pauseMs;
    this.#call = call;
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const startMs = this.#stage.now;
      await this.#call(this.calls++);
      this.longestMs = Math.max(this.longestMs, this.#stage.now - startMs);
      await this.#stage.sleep(this.#pauseMs);
    }
  }
}

Deno.test("a shard of a thousand values is written and read while it moves, but for some round trips", async () => {
  await using stage = await openStage(1_000);
  const [writer, reader] = [stage.client(), stage.client()];
  const appender = new Appender(stage, keyIn(SHARD, SHARDS));
  const writes = new Pacer(
    stage,
    1,
    (n) => writer.put(keyIn(SHARD, SHARDS, 1_000 + n % 500), `${n}`),
  );
  const reads = new Pacer(stage, 1, () => reader.get(keyIn(SHARD, SHARDS, 1_700)));
  const appends = new Pacer(stage, 1, () => appender.append());
  let over = false;
  const pacers = [writes, reads, appends];
  const running = Promise.all(pacers.map((pacer) => pacer.run(() => over)));
  await stage.sleepWithin(200);
  const startMs = stage.now;
  await moveTo(stage, GAINER);
  await stage.store.until(() => isServedBy(stage, GAINER));
  const movedMs = stage.now - startMs;
  await stage.sleepWithin(200);
  over = true;
  await stage.run(running);
  assert(movedMs > 500, `the copy took ${movedMs} ms, too little to prove anything`);
  for (const { calls, longestMs } of pacers) {
    assert(calls > 100, `only ${calls} calls`);
    assert(longestMs < 100, `a call took ${longestMs} ms`);
  }
  await stage.settle(...GIDS);
  await checkAll(stage, [appender]);
  assertEquals(stage.store.failures, []);
});

Deno.test("eRaft's Command and scans find a shard that is being copied, at any server", async () => {
  await using stage = await openStage(30);
  const copying = Promise.withResolvers<void>();
  let isCopying = false;
  using _hook = setFailpoint("move/afterInsert", (gid) => {
    if (gid !== GAINER) return;
    isCopying = true;
    return copying.promise;
  });
  await moveTo(stage, GAINER);
  await stage.store.until(() => isCopying);
  const key = keyIn(SHARD, SHARDS, 1_001);
  for (const address of GIDS.flatMap((gid) => stage.store.addresses(gid))) {
    assertEquals(await stage.store.command(address, { op: Op.PUT, key, value: address }), {
      err: "OK",
      value: "",
    });
    const { value } = await stage.store.command(address, { op: Op.GET, key });
    assertEquals(value, address);
  }
  const client = stage.client();
  const keys: string[] = [];
  const scanning = (async () => {
    for await (const entry of client.scan()) keys.push(new TextDecoder().decode(entry.key));
  })();
  await stage.run(scanning);
  assertEquals(keys.length, 30);
  copying.resolve();
  await stage.settle(...GIDS);
  assertEquals(new TextDecoder().decode(await stage.run(client.get(key))), "g200-2:1");
});

Deno.test("writes that are faster than the copy do not put the hand-over off for ever", async () => {
  // A record or two a chunk: the writers are as fast as the copy.
  await using stage = await openStage(50, 60);
  const writers = Array.from({ length: 6 }, () => stage.client());
  let over = false;
  let written = 0;
  const running = Promise.all(writers.map(async (client, i) => {
    for (let n = 0; !over; n++) {
      await client.put(keyIn(SHARD, SHARDS, 2_000 + i * 50 + n % 50), `${n}`);
      written++;
    }
  }));
  await moveTo(stage, GAINER);
  await stage.store.until(() => isServedBy(stage, GAINER), 600_000);
  over = true;
  await stage.run(running);
  assert(written > 500, `only ${written} writes`);
  await stage.settle(...GIDS);
});

/** A group's leader dies at a failpoint of the move, which goes on all the same and exactly once. */
async function crashAt(name: MoveFailpoint, victim: Gid): Promise<void> {
  await using stage = await openStage(30);
  const appenders = Array.from({ length: 3 }, (_, i) => {
    return new Appender(stage, keyIn(SHARD, SHARDS, i));
  });
  let over = false;
  const running = Promise.all(appenders.map((appender) => appender.run(() => over)));
  const reached = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let isReached = false;
  {
    using _hook = setFailpoint(name, (gid) => {
      if (gid !== GAINER || isReached) return;
      isReached = true;
      reached.resolve();
      return release.promise;
    });
    await stage.sleepWithin(500);
    await moveTo(stage, GAINER);
    await stage.store.until(() => isReached);
    const leader = stage.store.leader(victim);
    assert(leader !== -1);
    const crashed = stage.store.crash(victim, leader);
    release.resolve();
    await crashed;
    await stage.store.until(() => isServedBy(stage, GAINER));
    await stage.store.start(victim, leader);
  }
  await stage.sleepWithin(1_000);
  over = true;
  await stage.run(running);
  await stage.settle(...GIDS);
  for (const { words } of appenders) assert(words > 2, `only ${words} words`);
  await checkAll(stage, appenders);
  assertEquals(stage.store.failures, []);
}

for (const name of Object.keys(MOVE_FAILPOINTS) as MoveFailpoint[]) {
  for (const victim of GIDS) {
    const whose = victim === GAINER ? "new" : "last";
    Deno.test(`a move survives its ${whose} owner's leader at ${name}`, () =>
      crashAt(name, victim));
  }
}

Deno.test("appends take effect once while a shard goes to and fro on a lossy network", async () => {
  await using stage = await ShardStage.start({
    gids: GIDS,
    unreliable: true,
    tuning: { limits: { chunkBytes: 2_000 } },
  });
  await stage.join(...GIDS);
  const appenders = Array.from({ length: 6 }, (_, i) => {
    return new Appender(stage, keyIn(SHARD, SHARDS, i));
  });
  let over = false;
  const running = Promise.all(appenders.map((appender) => appender.run(() => over)));
  for (const gid of [GAINER, LOSER, GAINER]) {
    await moveTo(stage, gid);
    await stage.settle(...GIDS);
  }
  over = true;
  await stage.run(running);
  await checkAll(stage, appenders);
  assertEquals(stage.store.failures, []);
});

Deno.test("every group has a configuration within 100 ms of its commit", async () => {
  await using stage = await ShardStage.start({ gids: [100, 200, 300], controllers: 3 });
  await stage.join(100, 200, 300);
  for (const gid of [200, 300, 100]) {
    await moveTo(stage, gid);
    const startMs = stage.now;
    const { num } = await stage.run(stage.store.admin.query());
    const isThere = (gid: Gid) => {
      const leader = stage.store.leader(gid);
      return leader !== -1 && stage.store.node(gid, leader).status().configNum === num;
    };
    await stage.store.until(() => [100, 200, 300].every(isThere));
    assert(stage.now - startMs < 100, `it took ${stage.now - startMs} ms`);
    await stage.settle(100, 200, 300);
  }
});
