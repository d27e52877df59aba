/** Holes of eRaft that concern stores which meet each other's servers. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { ShardTransferServiceService } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { GroupReplica } from "../../shardkv/group_replica.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { OtherStore } from "./other_store.ts";

const KEYS = Array.from({ length: 40 }, (_, i) => `key-${i}`);
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

/** A store whose group 100 has half of its shards ready for group 200, which cannot come for them. */
async function startHandover(): Promise<StoreCluster> {
  const store = await StoreCluster.start({ shards: 4, gids: [100, 200] });
  await store.join(100);
  await store.run(store.clerk.putMany(KEYS.map((key): [string, string] => [key, `of ${key}`])));
  const [from = "", to = ""] = [...store.addresses(200), ...store.addresses(100)];
  store.ctrl.network.cut(from, to);
  await store.join(200);
  await store.until(() => store.node(100).status().configNum === 2);
  return store;
}

function keysAt(store: StoreCluster, gid: number): number {
  return store.node(gid).status().shards.reduce((sum, { keys }) => sum + keys, 0);
}

/** Lets the true group 200 have its shards: nothing is missing. */
async function finishHandover(store: StoreCluster): Promise<void> {
  assertEquals(keysAt(store, 100), KEYS.length);
  store.ctrl.network.heal();
  await store.settle(100, 200);
  const values = await store.run(store.clerk.getMany(KEYS));
  assertEquals(values.map(text), KEYS.map((key) => `of ${key}`));
  assertEquals(keysAt(store, 100) + keysAt(store, 200), KEYS.length);
  assertEquals(store.failures, []);
}

Deno.test("E35: a group of another store that takes our servers for its own pulls and drops nothing", async () => {
  await using store = await startHandover();
  await using other = await OtherStore.start(store);
  const stranger = await other.startGroup(200, "other-200:1");
  await other.join(100, store.addresses(100));
  const config = await other.join(200, ["other-200:1"]);
  // All that can be compared is the same, but for the store.
  const own = await store.run(store.admin.query());
  assertEquals([config.num, config.shards], [own.num, own.shards]);
  assertNotEquals(config.storeId, own.storeId);
  await store.until(() => stranger.status().configNum === 2);
  await store.ctrl.clock.advance(20_000);
  assertEquals(
    stranger.status().shards.map(({ status, keys }) => [status, keys]),
    [["Pulling", 0], ["Pulling", 0]],
  );
  await finishHandover(store);
});

Deno.test("E35: only the group that gains a shard, of the same store, may pull it or have it dropped", async () => {
  await using store = await startHandover();
  await using other = await OtherStore.start(store);
  const own = await store.run(store.admin.query());
  const { storeId } = await other.latest();
  const channel = store.ctrl.dialer("stranger").channel(store.addresses(100)[0] ?? "");
  const options = { timeoutMs: 5_000 };
  const senders = [
    { storeId, gid: 200, reason: `of store ${storeId}: this group is of store ${own.storeId}` },
    { storeId: own.storeId, gid: 300, reason: "to group 300: it is group 200's" },
    { storeId: own.storeId, gid: 100, reason: "to group 100: it is group 200's" },
  ];
  for (const [shard, gid] of own.shards.entries()) {
    if (gid !== 200) continue;
    for (const { reason, ...sender } of senders) {
      const request = { ...sender, configNum: 2, shard, cursor: Buffer.alloc(0), bytesMax: 1_000 };
      for (const method of ["pullShard", "dropShard"] as const) {
        const call = () => {
          return store.run<unknown>(
            method === "pullShard"
              ? channel.unary(
                ShardTransferServiceService.pullShard,
                { ...request, brakeMs: 0 },
                options,
              )
              : channel.unary(ShardTransferServiceService.dropShard, request, options),
          );
        };
        const { code } = await assertRejects(call, KvError, reason);
        assertEquals(code, "REFUSED");
      }
    }
  }
  await finishHandover(store);
});

for (const [configs, what] of [[0, "fewer"], [3, "more"]] as const) {
  Deno.test(`E35: a group with the controllers of another store, which has ${what} configurations, says so and enters none`, async () => {
    await using store = await StoreCluster.start({ shards: 4, gids: [100] });
    const own = await store.join(100);
    await store.settle(100);
    await using other = await OtherStore.start(store);
    for (let i = 0; i < configs; i++) await other.join(500 + i, [`nobody-${i}:1`]);
    await store.stop(100, 0);
    const warnings: unknown[] = [];
    const node = await store.run(GroupReplica.open({
      gid: 100,
      position: 0,
      members: store.addresses(100),
      controllers: other.controllers,
      clusterToken: "test",
      engine: store.replica(100, 0).engine,
      dialer: store.ctrl.dialer("misled"),
      clock: store.ctrl.clock,
      prng: createPrng(5),
      logger: { ...silentLogger, warn: (message, fields) => warnings.push([message, fields]) },
      onFatal: (error) => store.failures.push(error),
    }));
    await store.until(() => warnings.length > 0);
    const { logLastIndex } = node.status();
    await store.ctrl.clock.advance(60_000);
    const { storeId } = await other.latest();
    const fields = { store: own.storeId, theirs: storeId, num: configs };
    const message = "Cannot follow the controllers: '-ctrlers' names those of another store";
    assertEquals(warnings[0], [message, fields]);
    assert(warnings.length > 1 && warnings.length < 10, `${warnings.length} warnings in a minute`);
    const status = node.status();
    assertEquals([status.configNum, status.logLastIndex], [1, logLastIndex]);
    await store.run(node.stop());
    await store.start(100, 0);
    await store.run(store.clerk.put("key", "with its own controllers"));
    assertEquals(store.failures, []);
  });
}
