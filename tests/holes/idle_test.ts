/** Holes of eRaft that concern a store nobody uses. */
import { assert, assertEquals } from "@std/assert";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";

const GIDS = [100, 200];
const POSITIONS = [0, 1, 2];

Deno.test("E21: a store that idles for ten minutes writes nothing, in groups and controllers alike", async () => {
  await using store = await StoreCluster.start({
    shards: 4,
    gids: GIDS,
    replicas: 3,
    controllers: 3,
  });
  await store.join(...GIDS);
  await store.run(store.clerk.put("key", "value"));
  await store.settle(...GIDS);
  await store.ctrl.clock.advance(5_000);
  let writes = 0;
  for (const gid of GIDS) {
    for (const position of POSITIONS) {
      const { engine } = store.replica(gid, position);
      const write = engine.write.bind(engine);
      engine.write = (...args) => {
        writes++;
        return write(...args);
      };
      const append = engine.journal.append.bind(engine.journal);
      engine.journal.append = (payload) => {
        writes++;
        return append(payload);
      };
    }
  }
  const controllerWrites = store.ctrl.writes;
  const logs = () =>
    [
      ...GIDS.flatMap((gid) => POSITIONS.map((i) => store.node(gid, i).status())),
      ...POSITIONS.map((i) => store.ctrl.node(i).status()),
    ].map(({ term, logFirstIndex, logLastIndex, storageSize }) => ({
      term,
      logFirstIndex,
      logLastIndex,
      storageSize,
    }));
  const before = logs();
  const { pending } = store.ctrl.clock;
  await store.ctrl.clock.advance(600_000);
  assertEquals(logs(), before);
  assertEquals([writes, store.ctrl.writes - controllerWrites], [0, 0]);
  assert(store.ctrl.clock.pending <= pending + 10, "timers pile up");
  await store.run(store.clerk.put("key", "other"));
  assert(writes > 0, "writes are not counted");
  assertEquals(store.failures, []);
});
