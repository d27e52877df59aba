/** Holes of eRaft that concern sessions. */
import { assert, assertEquals } from "@std/assert";
import { SESSION_TTL_MS } from "../../rpc/retry.ts";
import { keyIn } from "../../shardkv/testing/machine_harness.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { storedShards } from "./stored_shards.ts";

const SHARDS = 4;
const PUT = 0;

/** Session records on a replica's disk, by shard. */
async function sessions(store: StoreCluster, gid: number, position: number): Promise<number[]> {
  const counts = new Array<number>(SHARDS).fill(0);
  const { stays } = await storedShards(store.replica(gid, position).engine);
  for (const { shard, sessions } of stays) counts[shard] = (counts[shard] ?? 0) + sessions;
  return counts;
}

/** One write to each of the shards by each of so many clients that nobody hears of again. */
async function visit(
  store: StoreCluster,
  { from = 1, clients }: { readonly from?: number; readonly clients: number },
  shards: readonly number[],
): Promise<void> {
  const [address = ""] = store.addresses(100);
  for (let client = from; client < from + clients; client++) {
    for (const shard of shards) {
      const { err } = await store.command(address, {
        op: PUT,
        key: keyIn(shard, SHARDS),
        value: `${client}`,
        clientId: `${client}`,
        commandId: "1",
      });
      assertEquals(err, "OK");
    }
  }
}

Deno.test("E29: sessions of clients that are gone are forgotten on every disk", async () => {
  await using store = await StoreCluster.start({ shards: SHARDS, gids: [100], replicas: 3 });
  await store.join(100);
  await store.settle(100);
  await visit(store, { clients: 50 }, [0, 1]);
  await store.ctrl.clock.advance(1_000);
  for (const position of [0, 1, 2]) {
    assertEquals(await sessions(store, 100, position), [50, 50, 0, 0]);
  }
  await store.ctrl.clock.advance(SESSION_TTL_MS + 60_000);
  // The log's time goes on with its entries; any write of anybody will do.
  await store.run(store.clerk.put(keyIn(3, SHARDS), "v"));
  await store.ctrl.clock.advance(1_000);
  for (const position of [0, 1, 2]) {
    assertEquals(await sessions(store, 100, position), [0, 0, 0, 1]);
  }
  assertEquals(store.failures, []);
});

Deno.test("E29: a shard that moves takes its own sessions along and no others", async () => {
  await using store = await StoreCluster.start({ shards: SHARDS, gids: [100, 200], replicas: 3 });
  await store.join(100);
  await store.settle(100);
  await visit(store, { clients: 30 }, [0]);
  await visit(store, { from: 100, clients: 3 }, [1, 2, 3]);
  await store.join(200);
  await store.settle(100, 200);
  const { shards } = await store.run(store.admin.query());
  const expected = [30, 3, 3, 3];
  await store.ctrl.clock.advance(2_000);
  for (const gid of [100, 200]) {
    const own = expected.map((count, shard) => shards[shard] === gid ? count : 0);
    for (const position of [0, 1, 2]) assertEquals(await sessions(store, gid, position), own);
  }
  assert(shards.includes(100) && shards.includes(200));
});
