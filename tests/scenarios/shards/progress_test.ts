import { assert, assertEquals } from "@std/assert";
import { keyIn } from "../../../shardkv/testing/machine_harness.ts";
import { checkAll } from "../player.ts";
import { appendAll, SHARDS, ShardStage } from "./shard_stage.ts";

// sharded 2025, 5A: progress while a group is shut down
Deno.test("keys of live groups are written and read while another group is down, the others wait", async () => {
  await using stage = await ShardStage.start({ gids: [100, 200, 300] });
  await stage.join(100, 200, 300);
  const appenders = stage.appenders();
  await appendAll(stage, appenders);
  const down = await stage.shardsOf(300);
  await stage.crashGroup(300);
  const live = appenders.filter((_, shard) => !down.includes(shard));
  const dead = appenders.filter((_, shard) => down.includes(shard));
  assert(dead.length >= 2 && live.length >= 4);
  let answered = 0;
  const waiting = Promise.all(dead.map((appender) => appender.append().then(() => answered++)));
  waiting.catch(() => {});
  const start = stage.now;
  for (let i = 0; i < 20; i++) await appendAll(stage, live);
  assert(stage.now - start < 1_000, `20 writes took ${stage.now - start} ms`);
  await checkAll(stage, live);
  await stage.store.ctrl.clock.advance(10_000);
  assertEquals(answered, 0, "writes of a dead group were answered");
  await stage.startGroup(300);
  await stage.run(waiting);
  await checkAll(stage, appenders);
  assertEquals(stage.store.failures, []);
});

// sharded 2025, 5A: progress while groups join
Deno.test("reads of shards that do not move stay fast while groups join and leave again and again", async () => {
  await using stage = await ShardStage.start({ gids: [100, 200, 300] });
  await stage.join(100, 200);
  const client = stage.client();
  // Bulk in every shard, so that moves take a while.
  for (let shard = 0; shard < SHARDS; shard++) {
    for (let i = 0; i < 20; i++) {
      await stage.run(client.put(keyIn(shard, SHARDS, i), "v".repeat(20_000)));
    }
  }
  const before = (await stage.run(stage.store.admin.query())).shards;
  await stage.join(300);
  const after = (await stage.run(stage.store.admin.query())).shards;
  const still = [...before.keys()].filter((shard) => before[shard] === after[shard]);
  assertEquals(still.length, 6);
  let over = false;
  const slowest = { ms: 0, reads: 0 };
  const reading = Promise.all(still.map(async (shard) => {
    const reader = stage.client();
    while (!over) {
      const start = stage.now;
      await reader.get(keyIn(shard, SHARDS));
      slowest.ms = Math.max(slowest.ms, stage.now - start);
      slowest.reads++;
      await stage.sleep(20);
    }
  }));
  for (let round = 0; round < 3; round++) {
    await stage.run(stage.store.admin.leave([300]));
    await stage.settle(100, 200);
    await stage.join(300);
  }
  over = true;
  await stage.run(reading);
  assert(slowest.reads >= 40, `only ${slowest.reads} reads while shards moved`);
  assert(slowest.ms < 100, `a read took ${slowest.ms} ms`);
});

// sharded 2025, 5A/5B: a join that needs a group which is down
Deno.test("a join waits for the shards of a group that is down and completes when it is back", async () => {
  await using stage = await ShardStage.start({ gids: [100, 200, 300] });
  await stage.join(100);
  const appenders = stage.appenders();
  await appendAll(stage, appenders);
  await stage.crashGroup(100);
  await stage.store.join(200);
  await stage.store.join(300);
  await stage.store.until(() => stage.statuses(200).includes("Pulling"));
  await stage.store.ctrl.clock.advance(20_000);
  assertEquals(stage.statuses(200), ["Pulling", "Pulling", "Pulling", "Pulling"]);
  // What has not arrived cannot be passed on: the second join waits behind the first.
  const leader = stage.store.leader(200);
  assertEquals(stage.store.node(200, leader).status().configNum, 2);
  await stage.startGroup(100);
  await stage.settle(100, 200, 300);
  await checkAll(stage, appenders);
  assertEquals(stage.store.failures, []);
});

// sharded 2025, 5B: a leave of a group that is down
Deno.test("a group that is down when it leaves hands its shards over when it is back", async () => {
  await using stage = await ShardStage.start({ gids: [100, 200, 300] });
  await stage.join(100, 200, 300);
  const appenders = stage.appenders();
  await appendAll(stage, appenders);
  await stage.crashGroup(200);
  const left = await stage.run(stage.store.admin.leave([200]));
  assert(!left.shards.includes(200));
  await stage.store.until(() => stage.statuses(100).includes("Pulling"));
  await stage.store.ctrl.clock.advance(20_000);
  assert(stage.statuses(100).includes("Pulling"));
  await stage.startGroup(200);
  await stage.settle(100, 200, 300);
  assertEquals(stage.statuses(200), []);
  // Nothing depends on it any more.
  await stage.crashGroup(200);
  await checkAll(stage, appenders);
  await appendAll(stage, appenders);
  await checkAll(stage, appenders);
});
