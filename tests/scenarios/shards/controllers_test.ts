import { assert, assertEquals } from "@std/assert";
import type { ControllerCluster } from "../../../shardctrler/testing/controller_cluster.ts";
import { partition } from "../network.ts";
import { checkAll } from "../player.ts";
import { reshuffle } from "./reshuffle.ts";
import { appendAll, ShardStage } from "./shard_stage.ts";

const GIDS = [100, 200, 300];

/** Cuts a controller off from the others; groups and clients still reach it. */
function isolate(stage: ShardStage, position: number): void {
  const { addresses, network } = stage.store.ctrl;
  const others = addresses.filter((_, i) => i !== position);
  partition(network, [[addresses[position] ?? ""], others]);
}

async function leaderOf(ctrl: ControllerCluster): Promise<number> {
  await ctrl.clock.advanceUntil(() => ctrl.leader() !== -1, 60_000);
  return ctrl.leader();
}

// sharded 2025, 5B: the next controller finishes what a crashed one began
Deno.test("a change is finished although every controller loses power in the middle of it", async () => {
  await using stage = await ShardStage.start({ gids: GIDS, controllers: 3 });
  await stage.join(100);
  const appenders = stage.appenders();
  await appendAll(stage, appenders);
  await stage.store.join(200, 300);
  await stage.crashControllers();
  // Whoever knows the configuration goes on without them; nobody may be half in it for good.
  await stage.store.ctrl.clock.advance(5_000);
  await stage.startControllers();
  await stage.settle(...GIDS);
  assertEquals((await stage.run(stage.store.admin.query())).num, 2);
  await checkAll(stage, appenders);
});

// sharded 2025, 5B: a controller that crashes while it is asked for a change
Deno.test("a change is made once although the controller that took it crashes before it answers", async () => {
  await using stage = await ShardStage.start({ gids: GIDS, controllers: 3 });
  await stage.join(100);
  const { ctrl, admin, addresses } = bind(stage);
  for (const gid of [200, 300]) {
    const leader = await leaderOf(ctrl);
    const joined = admin.join(new Map([[gid, addresses(gid)]]));
    joined.catch(() => {});
    await ctrl.clock.advance(4);
    await ctrl.crash(leader);
    await stage.run(joined);
    await ctrl.restart(leader);
  }
  const config = await stage.run(admin.query());
  assertEquals([config.num, [...config.groups.keys()]], [3, GIDS]);
  await stage.settle(...GIDS);
});

// sharded 2025, 5B: groups at work need no controller
Deno.test("shards on their way arrive and are served while all controllers are down", async () => {
  await using stage = await ShardStage.start({ gids: GIDS });
  await stage.join(100);
  const appenders = stage.appenders();
  await appendAll(stage, appenders);
  await stage.store.join(200);
  await stage.store.until(() => stage.statuses(200).length > 0);
  await appendAll(stage, appenders.slice(0, 1));
  await stage.crashControllers();
  await stage.store.until(() => [100, 200].every((gid) => stage.store.isSettled(gid, 2)));
  await stage.startControllers();
  await checkAll(stage, appenders);
  await appendAll(stage, appenders);
  await checkAll(stage, appenders);
});

// sharded 2025, 5C: two controllers race
Deno.test("two operators who join and leave groups at the same time both get their way", async () => {
  await using stage = await ShardStage.start({ gids: [100, 200, 300, 400], controllers: 3 });
  await stage.join(100);
  const { ctrl, addresses } = bind(stage);
  const appenders = stage.appenders();
  let over = false;
  const running = Promise.all(appenders.map((appender) => appender.run(() => over)));
  const operate = async (gid: number) => {
    const clerk = ctrl.clerk();
    for (let i = 0; i < 5; i++) {
      await clerk.join(new Map([[gid, addresses(gid)]]));
      await stage.sleep(stage.prng.below(300));
      await clerk.leave([gid]);
    }
    await clerk.join(new Map([[gid, addresses(gid)]]));
  };
  await stage.run(Promise.all([operate(200), operate(300)]));
  over = true;
  await stage.run(running);
  const config = await stage.run(stage.store.admin.query());
  assertEquals([config.num, [...config.groups.keys()].sort()], [23, [100, 200, 300]]);
  await stage.settle(100, 200, 300);
  await checkAll(stage, appenders);
});

// sharded 2025, 5C: an old controller, cut off and superseded, is fenced
Deno.test("what a controller was asked while it was cut off never comes to be", async () => {
  await using stage = await ShardStage.start({ gids: GIDS, controllers: 3 });
  await stage.join(100);
  const { ctrl, admin, addresses } = bind(stage);
  const appenders = stage.appenders();
  await appendAll(stage, appenders);
  const old = await leaderOf(ctrl);
  const victim = ctrl.clerk({ controllers: [ctrl.addresses[old] ?? ""] });
  isolate(stage, old);
  const lost = victim.join(new Map([[300, addresses(300)]]), { timeoutMs: 4_000 })
    .then(() => "made", () => "given up");
  await stage.run(admin.join(new Map([[200, addresses(200)]])));
  assertEquals(await stage.run(lost), "given up");
  // The groups follow those who can decide, the cut one knows nothing new.
  await stage.settle(100, 200);
  assertEquals(ctrl.node(old).status().configNum, 1);
  stage.heal();
  await ctrl.clock.advanceUntil(() => ctrl.node(old).status().configNum === 2, 60_000);
  await ctrl.clock.advance(5_000);
  const config = await stage.run(admin.query());
  assertEquals([config.num, [...config.groups.keys()]], [2, [100, 200]]);
  await checkAll(stage, appenders);
});

// sharded 2025, 5C: groups whose controller is cut off
Deno.test("groups that follow a controller which is cut off learn of changes from the others", async () => {
  await using stage = await ShardStage.start({ gids: GIDS, controllers: 3 });
  await stage.join(100);
  const { ctrl, admin, addresses } = bind(stage);
  for (const [round, gid] of [200, 300].entries()) {
    // Nobody else notices: it must send its watchers away by itself.
    for (const position of ctrl.addresses.keys()) {
      isolate(stage, position);
      await ctrl.clock.advance(2_500);
      stage.heal();
    }
    isolate(stage, await leaderOf(ctrl));
    await stage.run(admin.join(new Map([[gid, addresses(gid)]])));
    await stage.store.until(
      () => [100, gid].every((other) => stage.store.isSettled(other, round + 2)),
      20_000,
    );
    stage.heal();
  }
});

/** Cuts one controller after the other off while operators and clients are at work. */
async function playControllerCuts(unreliable: boolean): Promise<void> {
  await using stage = await ShardStage.start({ gids: GIDS, controllers: 3, unreliable });
  await stage.join(100);
  const { ctrl } = bind(stage);
  const appenders = stage.appenders();
  const endMs = stage.now + (unreliable ? 30_000 : 10_000);
  const isOver = () => stage.now >= endMs;
  const cut = async () => {
    while (!isOver()) {
      isolate(stage, Math.max(0, ctrl.leader()));
      await stage.sleep(1_500 + stage.prng.below(1_000));
      stage.heal();
      await stage.sleep(500);
    }
  };
  const running = appenders.map((appender) => appender.run(isOver));
  const [changes] = await stage.run(
    Promise.all([reshuffle(stage, GIDS, isOver), cut(), ...running]),
  );
  assert(changes >= 2, `only ${changes} changes were made`);
  for (const { key, words } of appenders) assert(words > 0, `${key} got ${words} words`);
  await stage.settle(...GIDS);
  await checkAll(stage, appenders);
  assertEquals([stage.store.failures, ctrl.failures], [[], []]);
}

// sharded 2025, 5C: partition recovery with clerks, reliable
Deno.test("clients find what they have appended while groups change and controllers are cut off in turn", async () => {
  await playControllerCuts(false);
});

// sharded 2025, 5C: partition recovery with clerks, unreliable
Deno.test("clients find what they have appended while controllers are cut off in turn on a lossy network", async () => {
  await playControllerCuts(true);
});

/** The parts of the stage that operators use. */
function bind({ store }: ShardStage) {
  return { ctrl: store.ctrl, admin: store.admin, addresses: (gid: number) => store.addresses(gid) };
}
