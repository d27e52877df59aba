/** Holes of eRaft that concern shards and their moves. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShardTransferServiceService } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { replicatedLines, storedShards } from "./stored_shards.ts";

const SHARDS = 8;
const REPLICAS = 3;
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const shard = (key: string) => shardOf(new TextEncoder().encode(key), SHARDS);

function start(gids: readonly Gid[]): Promise<StoreCluster> {
  return StoreCluster.start({ shards: SHARDS, gids, replicas: REPLICAS, delayMs: 2 });
}

async function fill(store: StoreCluster, keys: number): Promise<Map<string, string>> {
  const model = new Map(Array.from({ length: keys }, (_, i) => [`key-${i}`, `value of ${i}`]));
  await store.run(store.clerk.putMany(model));
  return model;
}

/** Each replica of each group has exactly the keys of the shards it is given, and nothing else. */
async function assertPlaced(
  store: StoreCluster,
  gids: readonly Gid[],
  model: ReadonlyMap<string, string>,
): Promise<void> {
  // Followers learn a little later than leaders, and clear what is left at leisure.
  await store.ctrl.clock.advance(2_000);
  const { shards } = await store.run(store.admin.query());
  for (const gid of gids) {
    const expected = [...model].filter(([key]) => shards[shard(key)] === gid).sort();
    for (let position = 0; position < REPLICAS; position++) {
      const { stays, garbage } = await storedShards(store.replica(gid, position).engine);
      const found = stays.flatMap(({ shard, values }) => {
        assertEquals(shards[shard], gid, `replica ${position} of ${gid} keeps shard ${shard}`);
        return [...values];
      }).sort();
      assertEquals([found, garbage], [expected, 0], `replica ${position} of group ${gid}`);
    }
  }
}

Deno.test("E1: clearing a shard that was given away leaves every key of the others alone", async () => {
  await using store = await start([100, 200]);
  await store.join(100);
  const model = await fill(store, 120);
  await store.join(200);
  await store.settle(100, 200);
  // The first shard last: everything else lies behind it.
  for (const moved of [SHARDS - 1, 3, 1, 0]) {
    const { shards } = await store.run(store.admin.query());
    await store.run(store.admin.move(moved, shards[moved] === 100 ? 200 : 100));
    await store.settle(100, 200);
    await assertPlaced(store, [100, 200], model);
  }
  for (const [key, value] of model) {
    assertEquals(text(await store.run(store.clerk.get(key))), value);
  }
  assertEquals(store.failures, []);
});

Deno.test("E2: a shard takes nothing but its own along, however often it moves", async () => {
  await using store = await start([100, 200]);
  await store.join(100, 200);
  await store.settle(100, 200);
  const model = await fill(store, 80);
  const bytes = [...model].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  const figures = () => {
    const shards = [100, 200].flatMap((gid) => store.node(gid, store.leader(gid)).status().shards);
    return [
      shards.reduce((sum, { keys }) => sum + keys, 0),
      shards.reduce((sum, shard) => sum + shard.bytes, 0),
    ];
  };
  for (const gid of [100, 200, 100, 200, 100, 200]) {
    await store.run(store.admin.move(0, gid));
    await store.run(store.admin.move(1, gid));
    await store.settle(100, 200);
    assertEquals(figures(), [model.size, bytes]);
  }
  await assertPlaced(store, [100, 200], model);
});

Deno.test("E2: GetStatus counts keys and bytes without reading any of them", async () => {
  await using store = await start([100]);
  await store.join(100);
  await fill(store, 80);
  const { engine } = store.replica(100, store.leader(100));
  let reads = 0;
  for (const method of ["get", "getMany", "scan", "iterate"] as const) {
    const original = engine[method].bind(engine) as (...args: unknown[]) => never;
    Object.assign(engine, { [method]: (...args: unknown[]) => (reads++, original(...args)) });
  }
  const { shards } = store.node(100, store.leader(100)).status();
  assertEquals(shards.reduce((sum, { keys }) => sum + keys, 0), 80);
  assertEquals(reads, 0);
  await store.run(store.clerk.get("key-1"));
  assert(reads > 0, "reads are not counted");
});

Deno.test("E7: leave-all, join of another group and the way back lose and resurrect nothing", async () => {
  await using store = await start([100, 200]);
  await store.join(100);
  const model = await fill(store, 40);
  await store.run(store.admin.leave([100], { force: true }));
  await store.settle(100);
  await store.join(200);
  await store.settle(100, 200);
  for (const [key, value] of model) {
    assertEquals(text(await store.run(store.clerk.get(key))), value);
  }
  // What changes now must be what comes back, not what group 100 once had.
  for (const [i, key] of [...model.keys()].entries()) {
    if (i % 2 === 0) await store.run(store.clerk.append(key, " and more"));
    else await store.run(store.clerk.delete(key));
    if (i % 2 === 0) model.set(key, `${model.get(key)} and more`);
    else model.delete(key);
  }
  await store.run(store.admin.leave([200], { force: true }));
  await store.settle(200);
  await store.join(100);
  await store.settle(100, 200);
  for (let i = 0; i < 40; i++) {
    assertEquals(text(await store.run(store.clerk.get(`key-${i}`))), model.get(`key-${i}`));
  }
  await assertPlaced(store, [100, 200], model);
  assertEquals(store.failures, []);
});

Deno.test("E13: a delete for a configuration to come is refused, and one of the past deletes nothing", async () => {
  await using store = await start([100, 200]);
  await store.join(100);
  const model = await fill(store, 40);
  // The gainer cannot ask yet: its shards stay with their last owner, ready to be given.
  const gainer = store.addresses(200);
  for (const from of gainer) {
    for (const to of store.addresses(100)) store.ctrl.network.cut(from, to);
  }
  await store.join(200);
  const source = store.leader(100);
  await store.until(() => store.node(100, source).status().configNum === 2);
  const channel = store.ctrl.dialer("stranger").channel(store.addresses(100)[source] ?? "");
  const { storeId, shards } = await store.run(store.admin.query());
  const drop = (configNum: number, shard: number, gid = 200) =>
    store.run(
      channel.unary(ShardTransferServiceService.dropShard, { storeId, gid, configNum, shard }, {
        timeoutMs: 5_000,
      }),
    );
  for (const [number, owner] of shards.entries()) {
    for (const configNum of [3, 4, 1_000]) {
      await assertRejects(() => drop(configNum, number), KvError, "Cannot give");
    }
    // Its own shards are given to nobody in the configuration that is there.
    if (owner === 100) await assertRejects(() => drop(2, number, 100), KvError, "Cannot give");
    // An older configuration is over: what it deleted is deleted, what is here now stays.
    await drop(1, number, 100);
  }
  const statuses = store.node(100, source).status().shards;
  assertEquals(
    statuses.map(({ status }) => status).filter((status) => status === "BePulling").length,
    4,
  );
  assertEquals(statuses.reduce((sum, { keys }) => sum + keys, 0), model.size);
  store.ctrl.network.heal();
  await store.settle(100, 200);
  await assertPlaced(store, [100, 200], model);
});

Deno.test("E13: replicas are equal byte for byte after moves that ran into each other", async () => {
  await using store = await start([100, 200, 300]);
  await store.join(100);
  await fill(store, 60);
  for (let round = 0; round < 3; round++) {
    const changed = store.run(store.admin.join(
      new Map([200, 300].map((gid) => [gid, store.addresses(gid)])),
    ));
    for (let i = 0; i < 20; i++) await store.run(store.clerk.append(`key-${i}`, "+"));
    await changed;
    await store.crash(100, round);
    await store.start(100, round);
    await store.run(store.admin.leave([200, 300]));
  }
  await store.settle(100, 200, 300);
  await store.ctrl.clock.advance(3_000);
  for (const gid of [100, 200, 300]) {
    const [first, ...others] = await Promise.all(
      [0, 1, 2].map((position) => replicatedLines(store.replica(gid, position).engine)),
    );
    assert((first?.length ?? 0) > 0);
    for (const other of others) assertEquals(other, first, `group ${gid}`);
  }
});
