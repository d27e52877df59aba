import { assert, assertEquals } from "@std/assert";
import { checkAll, type Player } from "../player.ts";
import { assertLinearizable, judgedClients } from "../judged_client.ts";
import { reshuffle } from "./reshuffle.ts";
import { appendAll, ShardStage } from "./shard_stage.ts";

const GIDS = [100, 200, 300];

/** Runs clients while groups come and go, and requires progress of each and that all is right in the end. */
async function runWhileMoving(
  stage: ShardStage,
  players: readonly Player[],
  ms: number,
): Promise<void> {
  await stage.join(100);
  const endMs = stage.now + ms;
  const isOver = () => stage.now >= endMs;
  const running = players.map((player) => player.run(isOver));
  const [changes] = await stage.run(
    Promise.all([reshuffle(stage, GIDS, isOver), ...running]),
    ms + 240_000,
  );
  assert(changes >= 3, `only ${changes} changes were made`);
  for (const { key, words } of players) assert(words > 0, `${key} got ${words} words`);
  await stage.settle(...GIDS);
  await checkAll(stage, players);
  assertEquals(stage.store.failures, []);
}

// sharded 2025, 5A: many joins and leaves, one after the other
Deno.test("keys survive the coming and going of six groups, one change after the other", async () => {
  const gids = [1, 2, 3, 4, 5, 6];
  await using stage = await ShardStage.start({ gids, replicas: 1 });
  await stage.join(1);
  const appenders = stage.appenders();
  await appendAll(stage, appenders);
  for (const gid of [2, 3, 4, 5, 6]) {
    await stage.join(gid);
    await checkAll(stage, appenders);
    await appendAll(stage, appenders);
  }
  for (const gid of [1, 2, 3, 4, 5]) {
    await stage.run(stage.store.admin.leave([gid]));
    await stage.settle(...gids);
    assertEquals(stage.statuses(gid), []);
    await checkAll(stage, appenders);
    await appendAll(stage, appenders);
  }
  await checkAll(stage, appenders);
});

// sharded 2025, 5A: many joins and leaves at once
Deno.test("keys survive ten changes that are made faster than shards can move", async () => {
  await using stage = await ShardStage.start({ gids: GIDS });
  await stage.join(100);
  const appenders = stage.appenders();
  await appendAll(stage, appenders);
  for (let i = 0; i < 5; i++) {
    await stage.store.join(200, 300);
    await stage.run(stage.store.admin.leave([200, 300]));
  }
  await appendAll(stage, appenders);
  await stage.settle(...GIDS);
  await checkAll(stage, appenders);
  assertEquals(stage.statuses(200), []);
});

// sharded 2025, 5A: one concurrent clerk, reliable
Deno.test("one client finds what it has appended while groups come and go", async () => {
  await using stage = await ShardStage.start({ gids: GIDS });
  await runWhileMoving(stage, stage.appenders().slice(0, 1), 4_000);
});

// sharded 2025, 5A: many concurrent clerks, reliable
Deno.test("eight clients find what they have appended while groups come and go", async () => {
  await using stage = await ShardStage.start({ gids: GIDS });
  await runWhileMoving(stage, stage.appenders(), 4_000);
});

// sharded 2025, 5A: one concurrent clerk, unreliable
Deno.test("one client finds what it has appended while groups come and go on a lossy network", async () => {
  await using stage = await ShardStage.start({ gids: GIDS, unreliable: true });
  await runWhileMoving(stage, stage.appenders().slice(0, 1), 30_000);
});

// sharded 2025, 5A: many concurrent clerks, unreliable
Deno.test("eight clients find what they have appended while groups come and go on a lossy network", async () => {
  await using stage = await ShardStage.start({ gids: GIDS, unreliable: true });
  await runWhileMoving(stage, stage.appenders(), 30_000);
});

// sharded 2025, 5A: shutdown of everything
Deno.test("keys survive a power cut of all groups and controllers in the middle of a move", async () => {
  await using stage = await ShardStage.start({ gids: GIDS, controllers: 3 });
  await stage.join(100, 200);
  const appenders = stage.appenders();
  await appendAll(stage, appenders);
  for (const change of ["join", "leave"]) {
    if (change === "join") await stage.store.join(300);
    else await stage.run(stage.store.admin.leave([300]));
    await stage.store.until(() =>
      GIDS.some((gid) => stage.statuses(gid).some((status) => status !== "Serving"))
    );
    for (const gid of GIDS) await stage.crashGroup(gid);
    await stage.crashControllers();
    await stage.startControllers();
    for (const gid of GIDS) await stage.startGroup(gid);
    await checkAll(stage, appenders);
    await appendAll(stage, appenders);
    await stage.settle(...GIDS);
    await checkAll(stage, appenders);
  }
  assertEquals(stage.store.failures, []);
});

// sharded 2025, 5A: many concurrent clerks that share keys
Deno.test("the calls of ten clients on shared keys are linearizable while groups come and go", async () => {
  await using stage = await ShardStage.start({ gids: GIDS });
  const keys = stage.appenders().map(({ key }) => key);
  const { clients, recorder } = judgedClients(stage, 10, keys);
  await runWhileMoving(stage, clients, 4_000);
  await assertLinearizable(recorder, 500);
});
