/** What clients do when the controllers they ask turn out to be those of another store. */
import { assertEquals, assertRejects } from "@std/assert";
import { KvError } from "../rpc/errors.ts";
import { VirtualClock } from "../runtime/virtual_clock.ts";
import { NO_STORE } from "../shardctrler/configuration/config.ts";
import { FakeCluster } from "./testing/fake_cluster.ts";

/** A store with an id, whose key "k" is put and then moves where its clerk does not look for it. */
async function start() {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  cluster.config = { ...cluster.config, storeId: "7" };
  const clerk = cluster.clerk();
  await clock.resolve(clerk.put("k", "v"), 1_000);
  cluster.move(cluster.shardOf("k"), cluster.groupOf("k").gid === 100 ? 101 : 100);
  return { clock, cluster, clerk, own: cluster.config };
}

Deno.test("KvClerk does not follow the controllers into another store", async () => {
  const { clock, cluster, clerk, own } = await start();
  await using _ = clerk;
  for (const storeId of ["8", NO_STORE]) {
    cluster.config = { ...own, storeId };
    const named = `of store ${storeId}: this client is one of store 7`;
    const put = assertRejects(() => clerk.put("k", "w"), KvError, named);
    const { code, maybe } = await clock.resolve(put, 1_000);
    assertEquals([code, maybe], ["REFUSED", false]);
  }
  cluster.config = own;
  await clock.resolve(clerk.append("k", "w"), 1_000);
  const value = await clock.resolve(clerk.get("k"), 1_000);
  assertEquals(new TextDecoder().decode(value), "vw");
});

Deno.test("KvClerk.scan() does not follow the controllers into another store", async () => {
  const { clock, cluster, clerk, own } = await start();
  await using _ = clerk;
  cluster.config = { ...own, storeId: "8" };
  const keys = async () => {
    for await (const pair of clerk.scan()) assertEquals(pair, undefined);
  };
  const { code } = await clock.resolve(assertRejects(keys, KvError, "of store 8"), 1_000);
  assertEquals(code, "REFUSED");
});

Deno.test("KvClerk of a store of before there were store ids follows any configuration", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  assertEquals(cluster.config.storeId, NO_STORE);
  await using clerk = cluster.clerk();
  await clock.resolve(clerk.put("k", "v"), 1_000);
  cluster.move(cluster.shardOf("k"), cluster.groupOf("k").gid === 100 ? 101 : 100);
  cluster.config = { ...cluster.config, storeId: "7" };
  await clock.resolve(clerk.put("k", "w"), 1_000);
});
