/** Holes of eRaft that concern what groups are asked by anybody. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RaftTransportService } from "../../proto/gen/raft.ts";
import {
  KvServiceService,
  ShardKVServiceService,
  ShardTransferServiceService,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Channel, Method } from "../../rpc/service.ts";
import type { StoreId } from "../../shardctrler/configuration/config.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { rawMethod } from "./raw_method.ts";
import { replicatedLines } from "./stored_shards.ts";

/** Mostly numbers that mean something: the configuration that is there, shards that are. */
const configNum = fc.oneof(
  fc.constant(1),
  fc.integer({ min: -1, max: 5 }),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const shard = fc.oneof(fc.nat(8), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);

/** Stands for the id of the store that is attacked: it is drawn when the store is made. */
const OWN_STORE = "own";
const sender = {
  storeId: fc.oneof({ weight: 3, arbitrary: fc.constant(OWN_STORE) }, fc.constant("7")),
  gid: fc.oneof(fc.constantFrom(100, 200), fc.integer({ min: -1, max: 2 ** 31 - 1 })),
};

/** A call with nonsense in it. */
type Attack = (channel: Channel, storeId: StoreId) => Promise<unknown>;

function attacks<Request extends object, Response>(
  method: Method<Request, Response>,
  request: fc.Arbitrary<Request>,
): fc.Arbitrary<Attack> {
  const options = { timeoutMs: 5_000 };
  const raw = rawMethod(method);
  return fc.oneof(
    {
      weight: 3,
      arbitrary: request.map((r): Attack => (channel, storeId) =>
        channel.unary(method, isOwn(r) ? { ...r, storeId } : r, options)
      ),
    },
    { weight: 1, arbitrary: bytes.map((b): Attack => (channel) => channel.unary(raw, b, options)) },
  );
}

function isOwn(request: object): boolean {
  return "storeId" in request && request.storeId === OWN_STORE;
}

const shardOperation = fc.record({
  configNum,
  shardIds: fc.array(shard, { maxLength: 4 }),
});
const attack = fc.oneof(
  attacks(
    ShardKVServiceService.command,
    fc.record({
      key: bytes,
      value: bytes,
      op: fc.integer({ min: -1, max: 4 }),
      clientId: id,
      commandId: id,
    }),
  ),
  attacks(ShardKVServiceService.getShardsData, shardOperation),
  attacks(ShardKVServiceService.deleteShardsData, shardOperation),
  attacks(
    KvServiceService.execute,
    fc.record({
      id: uint32,
      writes: bytes,
      getKeys: fc.array(bytes, { maxLength: 4 }),
      ageMs: uint32,
      anyReplica: fc.boolean(),
    }),
  ),
  attacks(
    ShardTransferServiceService.pullShard,
    fc.record({ ...sender, configNum, shard, cursor: bytes, bytesMax: uint32, brakeMs: uint32 }),
  ),
  attacks(ShardTransferServiceService.dropShard, fc.record({ ...sender, configNum, shard })),
  bytes.map((b): Attack => (channel) =>
    channel.unary(rawMethod(KvServiceService.scan), b, { timeoutMs: 5_000 })
  ),
  bytes.map((b): Attack => (channel) =>
    channel.unary(rawMethod(RaftTransportService.fetchSnapshot), b, { timeoutMs: 5_000 })
  ),
);

Deno.test("E15: no request kills a replica, touches what it does not name or poisons the log", async () => {
  await using store = await StoreCluster.start({ shards: 8, gids: [100, 200], replicas: 3 });
  await store.join(100, 200);
  await store.settle(100, 200);
  // Longer than any key that is made up.
  const keys = Array.from({ length: 40 }, (_, i) => `${"key".repeat(20)}-${i}`);
  await store.run(store.clerk.putMany(keys.map((key): [string, string] => [key, `of ${key}`])));
  const addresses = [...store.addresses(100), ...store.addresses(200)];
  const dialer = store.ctrl.dialer("attacker");
  const { storeId } = await store.run(store.admin.query());
  let answered = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(11), attack, async (at, attack) => {
      // Mostly the leaders: the others turn away what they cannot do.
      const gid = at % 2 === 0 ? 100 : 200;
      const address = addresses[at] ?? store.addresses(gid)[store.leader(gid)] ?? "";
      try {
        await store.run(attack(dialer.channel(address), storeId));
        answered++;
      } catch (error) {
        assert(error instanceof KvError, `${error}`);
        assert(error.code !== "INTERNAL", error.message);
        refused++;
      }
      assertEquals(store.failures, []);
    }),
    { seed: 15, numRuns: 1_500 },
  );
  assert(answered > 100 && refused > 100, `${answered} answered, ${refused} refused`);
  const check = async () => {
    const values = await store.run(store.clerk.getMany(keys));
    assertEquals(
      values.map((value) => value && new TextDecoder().decode(value)),
      keys.map((key) => `of ${key}`),
    );
  };
  await check();
  for (const gid of [100, 200]) {
    for (const position of [0, 1, 2]) await store.crash(gid, position);
    for (const position of [0, 1, 2]) await store.start(gid, position);
  }
  await check();
  await store.ctrl.clock.advance(3_000);
  for (const gid of [100, 200]) {
    const [first, ...others] = await Promise.all(
      [0, 1, 2].map((position) => replicatedLines(store.replica(gid, position).engine)),
    );
    for (const other of others) assertEquals(other, first);
  }
  assertEquals(store.failures, []);
});
