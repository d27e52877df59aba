/** Holes of eRaft that concern clients, keys and values. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { KvClerk } from "../../client/kv_clerk.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import { createPrng } from "../../runtime/prng.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { CountingDialer } from "./counting_dialer.ts";

const GIDS = [100, 200];

function clerkOf(store: StoreCluster, dialer: Dialer, seed = 3): KvClerk {
  const { addresses, clock } = store.ctrl;
  return new KvClerk({ controllers: addresses, dialer, clock, prng: createPrng(seed) });
}

Deno.test("E30: a clerk stays with the leader it has found and asks nobody else", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: [100], replicas: 5, delayMs: 1 });
  await store.join(100);
  await store.settle(100);
  const leader = store.addresses(100)[store.leader(100)] ?? "";
  const dialer = new CountingDialer(store.ctrl.dialer("counted"));
  await using clerk = clerkOf(store, dialer);
  await store.run(clerk.put("key", "0"));
  dialer.sent.clear();
  for (let i = 0; i < 50; i++) await store.run(clerk.put(`key-${i}`, "v"));
  assertEquals([...dialer.sent], [[leader, 50]]);
});

Deno.test("E30: fifty changes of the configuration leave a clerk with a stream to each group", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: GIDS, replicas: 3, delayMs: 1 });
  await store.join(...GIDS);
  await store.settle(...GIDS);
  const dialer = new CountingDialer(store.ctrl.dialer("counted"));
  await using clerk = clerkOf(store, dialer);
  for (let i = 0; i < 50; i++) {
    await store.run(store.admin.move(i % 4, GIDS[i % 3 === 0 ? 1 : 0] ?? 0));
    for (let key = 0; key < 8; key++) await store.run(clerk.put(`key-${key}`, `${i}`));
  }
  await store.settle(...GIDS);
  assertEquals((await store.run(store.admin.query())).num > 20, true);
  assertEquals(dialer.open, GIDS.length);
});

Deno.test("E30: calls end at their deadline with what was tried, and a dead store is not flooded", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: [100], replicas: 3, delayMs: 1 });
  await store.join(100);
  const dialer = new CountingDialer(store.ctrl.dialer("counted"));
  await using clerk = clerkOf(store, dialer);
  await store.run(clerk.put("key", "v"));
  for (const position of [0, 1, 2]) await store.crash(100, position);
  dialer.begun.clear();
  const begin = store.ctrl.clock.now();
  const error = await store.run(
    assertRejects(() => clerk.get("key", { timeoutMs: 10_000 }), KvError),
  );
  assertEquals([error.code, error.maybe], ["DEADLINE_EXCEEDED", false]);
  assert(/within 10000 ms: \d+ attempts, the last at g100-/.test(error.message), error.message);
  const tookMs = store.ctrl.clock.now() - begin;
  assert(tookMs >= 10_000 && tookMs < 10_100, `it took ${tookMs} ms`);
  const attempts = [...dialer.begun.values()].reduce((sum, count) => sum + count, 0);
  assert(attempts < 100, `${attempts} attempts in 10 s`);
  for (const position of [0, 1, 2]) await store.start(100, position);
  assertEquals(await store.run(clerk.get("key")), new TextEncoder().encode("v"));
});

Deno.test("E31: keys with a common beginning are spread over all shards and groups", async () => {
  await using store = await StoreCluster.start({ shards: 16, gids: GIDS, delayMs: 1 });
  await store.join(...GIDS);
  await store.settle(...GIDS);
  const keys = Array.from({ length: 1_600 }, (_, i) => `user:${i}`);
  await store.run(store.clerk.putMany(keys.map((key): [string, string] => [key, "v"])));
  const shards = GIDS.flatMap((gid) => store.node(gid).status().shards);
  assertEquals(shards.length, 16);
  for (const { shardId, keys } of shards) {
    assert(keys > 50 && keys < 150, `shard ${shardId} has ${keys} of 1600 keys`);
  }
});

Deno.test("E35: keys and values are any bytes, also past a move and a power cut", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: GIDS, replicas: 3 });
  await store.join(100);
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  // No UTF-8: single high bytes, broken sequences, zeros at either end.
  const keys = [
    ...Array.from(all, (byte) => Uint8Array.of(byte)),
    all,
    Uint8Array.of(0xff, 0xfe, 0xc0, 0x80),
    Uint8Array.of(0, 0, 1, 0),
    Uint8Array.of(0xed, 0xa0, 0x80),
  ];
  const valueOf = (key: Uint8Array) => Uint8Array.of(0xff, ...key, 0, 0x80);
  const entries = keys.map((key): [Uint8Array, Uint8Array] => [key, valueOf(key)]);
  await store.run(store.clerk.putMany(entries));
  const check = async () => {
    const values = await store.run(store.clerk.getMany(keys));
    assertEquals(values, keys.map(valueOf));
  };
  await check();
  await store.join(200);
  await store.settle(...GIDS);
  await check();
  for (const gid of GIDS) {
    for (const position of [0, 1, 2]) await store.crash(gid, position);
    for (const position of [0, 1, 2]) await store.start(gid, position);
  }
  await check();
  const found: Uint8Array[] = [];
  await store.run((async () => {
    for await (const { key } of store.clerk.scan()) found.push(key);
  })());
  assertEquals(found, keys.toSorted((a, b) => Buffer.compare(a, b)));
});

Deno.test("E35: no two clerks take the same id", async () => {
  await using store = await StoreCluster.start({ shards: 1, gids: [100] });
  await store.join(100);
  const clerks = Array.from(
    { length: 40 },
    (_, seed) => clerkOf(store, store.ctrl.dialer("many"), seed),
  );
  for (const clerk of clerks) await store.run(clerk.append("key", "+"));
  // Under one id all but the first would be taken for repetitions.
  assertEquals((await store.run(store.clerk.get("key")))?.length, 40);
  for (const clerk of clerks) await store.run(clerk.close());
});
