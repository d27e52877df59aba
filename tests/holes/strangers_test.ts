/** Holes of eRaft that concern servers which are not who they should be. */
import { assertEquals } from "@std/assert";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { GroupReplica } from "../../shardkv/group_replica.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import { storedShards } from "./stored_shards.ts";

const POSITION = 2;

/** Puts a fresh server of another cluster or group where a replica of group 100 should be. */
async function impersonate(
  store: StoreCluster,
  who: { readonly gid: number; readonly clusterToken: string },
) {
  const members = store.addresses(100);
  const address = members[POSITION] ?? "";
  const { clock, network, addresses } = store.ctrl;
  const engine = new MemoryEngine();
  const node = await store.run(GroupReplica.open({
    ...who,
    position: POSITION,
    members,
    controllers: addresses,
    engine,
    dialer: store.ctrl.dialer(address),
    clock,
    prng: createPrng(5),
    logger: silentLogger,
    onFatal: (error) => store.failures.push(error),
  }));
  const server = network.serve(address, node.routes);
  const leave = async () => {
    server.close();
    await store.run(node.stop());
    await engine.close();
  };
  return { node, engine, leave };
}

for (
  const [name, who] of [
    ["another cluster", { gid: 100, clusterToken: "other" }],
    ["another group", { gid: 300, clusterToken: "test" }],
  ] as const
) {
  Deno.test(`E35: a server of ${name} at a replica's address gets no vote, no entry and no snapshot`, async () => {
    await using store = await StoreCluster.start({
      shards: 2,
      gids: [100],
      replicas: 3,
      delayMs: 2,
      tuning: { retainedEntriesMax: 4 },
    });
    await store.join(100);
    for (let i = 0; i < 20; i++) await store.run(store.clerk.put(`key-${i}`, "v"));
    await store.crash(100, POSITION);
    // The stranger's vote must not make up for a leader that is away either.
    const stranger = await impersonate(store, who);
    await store.run(store.clerk.put("key", "with two of three"));
    const { term } = store.node(100, 0).status();
    await store.ctrl.clock.advance(20_000);
    assertEquals(store.node(100, 0).status().term, term, "the stranger moved the group's term");
    const { state, term: strangers, lastApplied, logLastIndex } = stranger.node.status();
    assertEquals([state === "Leader", strangers, lastApplied, logLastIndex], [false, 0, 0, 0]);
    assertEquals((await storedShards(stranger.engine)).stays, []);
    const leader = store.leader(100);
    await store.crash(100, leader);
    await store.ctrl.clock.advance(20_000);
    assertEquals(store.leader(100), -1, "a stranger's vote made a leader");
    await stranger.leave();
    await store.start(100, POSITION);
    await store.run(store.clerk.put("key", "with the true third"));
    assertEquals(store.failures, []);
  });
}
