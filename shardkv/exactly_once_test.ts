import { assertEquals } from "@std/assert";
import { KvServiceService, ResultCode, WriteBatch, WriteOp } from "../proto/gen/shardkv.ts";
import { bytes, write } from "./testing/machine_harness.ts";
import { StoreCluster } from "./testing/store_cluster.ts";

const GID = 100;
const IDLE_MS = 65 * 60_000;

async function lead(store: StoreCluster, position: number): Promise<void> {
  store.node(GID, store.leader(GID)).raft.memberChanges.transferLeader(position + 1);
  await store.until(() => store.leader(GID) === position);
}

/** Sends an append to one replica, as a client does that has sent it `ageMs` ago for the first time. */
async function append(store: StoreCluster, position: number, ageMs: number): Promise<ResultCode[]> {
  const command = write({ op: WriteOp.WRITE_OP_APPEND, key: bytes("k"), value: bytes("x") });
  const batch = { clientId: "77", lowestUnanswered: 1, commands: [command] };
  const writes = Buffer.from(WriteBatch.encode(batch).finish());
  const request = { id: 1, writes, getKeys: [], ageMs, anyReplica: false };
  const channel = store.ctrl.dialer("client").channel(store.address(GID, position));
  const call = channel.unary(KvServiceService.execute, request, { timeoutMs: 5_000 });
  return (await store.run(call)).writeResults.map(({ code }) => code);
}

Deno.test("a write that is sent again happens once, though the next leader has counted an idle hour", async () => {
  await using store = await StoreCluster.start({ shards: 1, gids: [GID], replicas: 3, delayMs: 1 });
  await store.join(GID);
  await store.settle(GID);
  const [old, ...others] = [0, 1, 2].sort((a) => a === store.leader(GID) ? -1 : 1);
  const [next] = others;
  if (old === undefined || next === undefined) throw new Error("There are three replicas");
  await store.ctrl.clock.advance(IDLE_MS);
  // Those that start again know the time of the log alone, in which nothing has happened.
  for (const position of others) {
    await store.stop(GID, position);
    await store.start(GID, position);
    await store.ctrl.clock.advance(3_000);
  }
  await lead(store, next);
  assertEquals(await append(store, next, 0), [ResultCode.RESULT_OK]);
  await lead(store, old);
  assertEquals(await append(store, old, 2_000), [ResultCode.RESULT_OK]);
  assertEquals(await store.run(store.clerk.get("k")), new Uint8Array(bytes("x")));
  assertEquals(store.failures, []);
});
