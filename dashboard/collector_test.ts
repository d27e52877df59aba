import { assert, assertEquals } from "@std/assert";
import { silentLogger } from "../runtime/logger.ts";
import { createPrng } from "../runtime/prng.ts";
import { StoreCluster, type StoreOptions } from "../shardkv/testing/store_cluster.ts";
import type { ClusterState, NodeView } from "./api.ts";
import { Collector, STATUS_MS } from "./collector.ts";

/** A store on virtual time, and a collector that knows the addresses of its controllers. */
async function watched(options: StoreOptions) {
  const store = await StoreCluster.start({ controllers: 3, replicas: 3, ...options });
  const { clock } = store.ctrl;
  const dialer = store.ctrl.dialer("dashboard:1");
  let states = 0;
  const collector = new Collector({
    controllers: store.ctrl.addresses,
    dialer,
    clock,
    prng: createPrng(9),
    logger: silentLogger,
    updateIntervalMs: 5_000,
    onState: () => states++,
  });
  collector.start();
  return {
    store,
    collector,
    clock,
    get states() {
      return states;
    },
    /** Lets time pass until the state is such, and tells how much it was. */
    async until(condition: (state: ClusterState) => boolean, limitMs = 20_000): Promise<number> {
      const startedAt = clock.now();
      const holds = () => collector.state !== undefined && condition(collector.state);
      await clock.advanceUntil(holds, limitMs, 50);
      return clock.now() - startedAt;
    },
    async [Symbol.asyncDispose]() {
      await store.run(collector.stop());
      await dialer.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

function nodeIn(state: ClusterState | undefined, gid: number, id: number): NodeView | undefined {
  return state?.nodes.find((node) => node.gid === gid && node.id === id);
}

Deno.test("Collector finds every server from the controllers' addresses, and its figures", async () => {
  await using it = await watched({ shards: 8, gids: [100, 200] });
  await it.store.join(100);
  await it.store.join(200);
  // A rate is the difference of two looks: the first must not come behind the writes.
  await it.until(({ overview, nodes }) =>
    overview.health === "ok" && overview.nodesTotal === 9 &&
    nodes.every(({ figures }) => figures !== null)
  );
  for (let i = 0; i < 20; i++) await it.store.run(it.store.clerk.put(`key-${i}`, "v"));
  await it.until(({ overview }) => overview.writesPerSecond > 0);
  const { state } = it.collector;
  assertEquals(state?.overview.keys, 20);
  assertEquals(state?.groups.map(({ gid, shards }) => [gid, shards.length]), [[100, 4], [200, 4]]);
  assert(state?.nodes.every(({ figures }) => figures !== null));
  assert((state?.overview.writeP99Ms ?? 0) >= 0);
  const { times, series } = it.collector.history;
  assert(times.length > 0 && series.length === 9);
});

Deno.test("Collector shows within three seconds that a leader died, and who leads then", async () => {
  await using it = await watched({ shards: 4, gids: [100] });
  await it.store.join(100);
  await it.until(({ overview }) => overview.health === "ok");
  const dead = it.store.leader(100);
  const lastSeen = it.clock.wallTime();
  await it.store.crash(100, dead);
  const shownMs = await it.until((state) => nodeIn(state, 100, dead)?.role === "Offline");
  assert(shownMs <= 3_000, `It took ${shownMs} ms`);
  const view = nodeIn(it.collector.state, 100, dead);
  assert(view?.error !== null && view?.healthy === false);
  assert(Math.abs((view.lastSeen ?? 0) - lastSeen) <= STATUS_MS);
  await it.until(({ groups: [group] }) => group?.leaderId !== null && group?.leaderId !== dead);
  await it.until(({ overview }) => overview.health === "degraded");
  const { problems } = it.collector.state?.overview ?? {};
  assertEquals(problems?.map(({ code }) => code), ["groupAtRisk", "nodeDown"]);
  await it.store.start(100, dead);
  await it.until(({ overview }) => overview.health === "ok");
});

Deno.test("Collector goes on with what it knows while the controllers are gone", async () => {
  await using it = await watched({ shards: 4, gids: [100] });
  await it.store.join(100);
  await it.until(({ overview }) => overview.health === "ok");
  for (const position of [0, 1, 2]) await it.store.ctrl.crash(position);
  await it.until(({ overview }) => overview.health === "unknown");
  const { state } = it.collector;
  assertEquals(state?.controllerLeaderId, null);
  assertEquals(nodeIn(state, 100, 0)?.healthy, true);
  assertEquals(state?.shards.length, 4);
  for (const position of [0, 1, 2]) await it.store.ctrl.restart(position);
  await it.until(({ overview }) => overview.health === "ok", 60_000);
});

Deno.test("Collector shows a new configuration at once, its moves, and a group that leaves to its end", async () => {
  await using it = await watched({ shards: 8, gids: [100, 200], diskMs: 5 });
  await it.store.join(100);
  for (let i = 0; i < 50; i++) await it.store.run(it.store.clerk.put(`key-${i}`, "v"));
  await it.until(({ overview }) => overview.health === "ok" && overview.configNum === 1);
  await it.store.join(200);
  const shownMs = await it.until(({ overview }) => overview.configNum === 2);
  assert(shownMs < STATUS_MS, `It took ${shownMs} ms`);
  await it.until(({ moves }) =>
    moves.length === 4 && moves.every(({ phase, finishedAt }) => phase === "Done" && finishedAt)
  );
  assertEquals(it.collector.state?.moves.map(({ fromGid, toGid }) => [fromGid, toGid])[0], [
    100,
    200,
  ]);
  await it.store.run(it.store.admin.leave([100]));
  await it.until(
    ({ overview, groups }) => overview.configNum === 3 && groups.every(({ gid }) => gid === 200),
    60_000,
  );
  const { state } = it.collector;
  assertEquals([state?.overview.keys, state?.overview.health], [50, "ok"]);
  assertEquals(state?.nodes.filter(({ gid }) => gid === 100), []);
  assertEquals(state?.moves.length, 8);
});

Deno.test("Collector tells of a cluster nobody has joined yet", async () => {
  await using it = await watched({ shards: 4, gids: [] });
  await it.until(({ overview }) => overview.problems.some(({ code }) => code === "noGroups"));
  assertEquals(it.collector.state?.overview.shardsServed, 0);
});

Deno.test("Collector begins anew when another store has taken the controllers' addresses over", async () => {
  await using it = await watched({ shards: 4, gids: [100] });
  const { ctrl } = it.store;
  await it.store.join(100);
  await it.until(({ overview }) => overview.configNum === 1 && overview.health === "ok");
  const positions = [...ctrl.addresses.keys()];
  for (const position of positions) await ctrl.crash(position);
  for (const position of positions) {
    await ctrl.engine(position).close();
    ctrl.wipe(position);
    await ctrl.restart(position);
  }
  await it.until(
    ({ overview }) => overview.problems.some(({ code }) => code === "noGroups"),
    60_000,
  );
  const { state } = it.collector;
  assertEquals([state?.overview.configNum, state?.groups, state?.overview.nodesTotal], [0, [], 3]);
});
