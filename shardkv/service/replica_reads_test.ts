/** Linearizable reads on followers and under leases. */
import { assertEquals, assertRejects } from "@std/assert";
import { KvServiceService, ResultCode } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { StoreCluster } from "../testing/store_cluster.ts";

const GID = 100;

async function startStore(tuning: { leaseReads?: boolean } = {}): Promise<StoreCluster> {
  const store = await StoreCluster.start({ shards: 1, gids: [GID], replicas: 3, tuning });
  await store.join(GID);
  await store.settle(GID);
  return store;
}

/** Reads a key from one replica, whoever leads. */
async function readFrom(
  store: StoreCluster,
  position: number,
  key: string,
  anyReplica = true,
): Promise<string | undefined> {
  const channel = store.ctrl.dialer("reader").channel(store.address(GID, position));
  const request = { id: 0, writes: Buffer.alloc(0), getKeys: [Buffer.from(key)], ageMs: 0 };
  const call = channel.unary(
    KvServiceService.execute,
    { ...request, anyReplica },
    { timeoutMs: 10_000 },
  );
  const [result] = (await store.run(call)).getResults;
  return result?.code === ResultCode.RESULT_OK ? result.value.toString() : undefined;
}

function followerOf(store: StoreCluster): number {
  return (store.leader(GID) + 1) % 3;
}

Deno.test("a follower answers a read with everything that was acknowledged before it", async () => {
  await using store = await startStore();
  for (let i = 0; i < 20; i++) {
    await store.run(store.clerk.put("k", String(i)));
    for (const position of [0, 1, 2]) assertEquals(await readFrom(store, position, "k"), String(i));
  }
});

Deno.test("a follower answers no read unless it was asked to", async () => {
  await using store = await startStore();
  const follower = followerOf(store);
  const error = await assertRejects(() => readFrom(store, follower, "k", false), KvError);
  assertEquals(error.code, "NOT_LEADER");
});

Deno.test("a follower that is cut off answers no read", async () => {
  await using store = await startStore();
  await store.run(store.clerk.put("k", "old"));
  const follower = followerOf(store);
  for (const other of [0, 1, 2].filter((position) => position !== follower)) {
    store.ctrl.network.cut(store.address(GID, follower), store.address(GID, other));
    store.ctrl.network.cut(store.address(GID, other), store.address(GID, follower));
  }
  await store.run(store.clerk.put("k", "new"));
  await assertRejects(() => readFrom(store, follower, "k"), KvError);
});

Deno.test("under a lease a leader answers reads without a word to its followers", async () => {
  await using store = await startStore({ leaseReads: true });
  await store.run(store.clerk.put("k", "v"));
  await store.ctrl.clock.advance(3_000);
  const leader = store.leader(GID);
  // Whoever asks its followers now would wait for ever.
  for (const other of [0, 1, 2].filter((position) => position !== leader)) {
    store.ctrl.network.cut(store.address(GID, leader), store.address(GID, other));
  }
  const before = store.ctrl.clock.now();
  assertEquals(await readFrom(store, leader, "k", false), "v");
  assertEquals(store.ctrl.clock.now() - before < 100, true);
  // The lease runs out before anybody else can lead.
  await store.ctrl.clock.advance(1_000);
  await assertRejects(() => readFrom(store, leader, "k", false), KvError);
});
