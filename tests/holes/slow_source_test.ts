/** Holes of eRaft that concern a large shard whose source stands still. */
import { assert, assertEquals } from "@std/assert";
import { keyIn } from "../../shardkv/testing/machine_harness.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";

/** 64 values of 1 MiB: more than sixteen times what one message may carry. */
const VALUES = 64;
const VALUE_BYTES = 1 << 20;

/** Keeps every word of these addresses from getting out, as a stopped process does. */
function pause(store: StoreCluster, paused: readonly string[], isPaused: boolean): void {
  const { network } = store.ctrl;
  const everybody = [...store.addresses(100), ...store.addresses(200), ...store.ctrl.addresses];
  for (const from of paused) {
    for (const to of everybody) {
      if (isPaused) network.cut(from, to);
      else network.heal(from, to);
    }
  }
}

interface Move {
  readonly store: StoreCluster;
  /** The shard that group 100 gives and group 200 gets; the other is with group 200 all along. */
  readonly large: number;
}

/** A large shard on its way from group 100 to group 200. */
async function startMove(
  replicas: number,
  values: number,
  options: { readonly keepaliveMs?: number } = {},
): Promise<Move> {
  const store = await StoreCluster.start({
    shards: 2,
    gids: [100, 200],
    replicas,
    ...options,
    delayMs: 2,
    tuning: { retainedBytesMax: 1 << 20, retainedEntriesMax: 16 },
  });
  await store.join(100, 200);
  await store.settle(100, 200);
  const { shards } = await store.run(store.admin.query());
  const large = shards.indexOf(100);
  const value = Buffer.alloc(VALUE_BYTES, 7);
  for (let i = 0; i < values; i++) await store.run(store.clerk.put(keyIn(large, 2, i), value));
  await store.run(store.admin.move(large, 200));
  return { store, large };
}

/** How many of the large shard's keys have arrived. */
function arrived({ store, large }: Move): number {
  const leader = store.leader(200);
  if (leader === -1) return 0;
  const shard = store.node(200, leader).status().shards.find(({ shardId }) => shardId === large);
  return shard?.keys ?? 0;
}

Deno.test("E23: a shard of 64 MiB waits for its paused source without hanging and then arrives whole", async () => {
  // The host of a stopped process keeps its connections alive: only deadlines help.
  const move = await startMove(1, VALUES, { keepaliveMs: 600_000 });
  await using store = move.store;
  await store.until(() => arrived(move) >= 8);
  pause(store, store.addresses(100), true);
  await store.ctrl.clock.advance(10_000);
  const stuck = arrived(move);
  assert(stuck < VALUES);
  await store.ctrl.clock.advance(60_000);
  assertEquals(arrived(move), stuck);
  // The other shard is served all along.
  await store.run(store.clerk.put(keyIn(1 - move.large, 2), "other"), 5_000);
  pause(store, store.addresses(100), false);
  await store.settle(100, 200);
  assertEquals(arrived(move), VALUES);
  const last = await store.run(store.clerk.get(keyIn(move.large, 2, VALUES - 1)));
  assertEquals(last?.length, VALUE_BYTES);
  assertEquals(store.node(100).status().shards, []);
  assertEquals(store.failures, []);
});

Deno.test("E23: a shard goes on from another replica where its source was paused in the middle", async () => {
  const move = await startMove(3, 12);
  await using store = move.store;
  await store.until(() => arrived(move) >= 3);
  // The replica that is asked first stays paused for good.
  pause(store, store.addresses(100).slice(0, 1), true);
  await store.until(() => store.isSettled(200, 2), 60_000);
  assertEquals(arrived(move), 12);
  for (let i = 0; i < 12; i++) {
    assertEquals((await store.run(store.clerk.get(keyIn(move.large, 2, i))))?.length, VALUE_BYTES);
  }
  assertEquals(store.failures, []);
});
