import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Op, ShardKVServiceService } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { RequestMetrics } from "../../server/request_metrics.ts";
import { SHARDS_MAX } from "../../shardctrler/configuration/config.ts";
import { DEFAULT_GROUP_LIMITS } from "../limits.ts";
import { bytes, configChain, keyIn, MachineHarness, write } from "../testing/machine_harness.ts";
import { callUnary, FakeLog } from "../testing/service_harness.ts";
import { ClassicService } from "./classic_service.ts";
import { ReadBudget } from "./read_budget.ts";
import { RequestGate } from "./request_gate.ts";

const noDialer: Dialer = {
  channel() {
    throw new Error("Nobody is to be called");
  },
  forget() {},
  close: () => Promise.resolve(),
};

async function givingGroup() {
  const group = new MachineHarness(100);
  const [one, two] = configChain([100, 100], [100, 200]);
  assert(one !== undefined && two !== undefined);
  await group.config(one);
  await group.write([
    write({ key: bytes(keyIn(0, 2)), value: bytes("stays") }),
    write({ key: bytes(keyIn(1, 2)), value: bytes("goes") }),
  ]);
  await group.config(two);
  const log = new FakeLog(group);
  const gate = new RequestGate(2);
  const transfers = new RequestGate(2);
  const { routes } = new ClassicService({
    log,
    machine: group.machine,
    engine: group.engine,
    dialer: noDialer,
    reads: new ReadBudget(),
    limits: DEFAULT_GROUP_LIMITS,
    requests: new RequestMetrics(new VirtualClock()),
    gid: 100,
    gate,
    transfers,
    id: 2,
    address: "here:1",
    forward: false,
    version: "1.2.3",
    moves: () => [],
  });
  return { group, log, gate, transfers, routes };
}

Deno.test("GetShardsData gives the data of shards on their way, and of no others", async () => {
  const { group, routes } = await givingGroup();
  const { getShardsData } = ShardKVServiceService;
  const ask = (configNum: number, ...shardIds: number[]) =>
    callUnary(routes, getShardsData, { configNum, shardIds });
  assertEquals(group.statuses()[1], "Leaving");
  const answer = await ask(2, 1);
  assertEquals(group.statuses()[1], "BePulling", "it must not change any more");
  assertEquals([answer.err, answer.configNum], ["OK", 2]);
  const pairs = answer.shards[1]?.kv.map(({ key, value }) => [`${key}`, `${value}`]);
  assertEquals(pairs, [[keyIn(1, 2), "goes"]]);
  assertEquals((await ask(2, 0)).err, "ErrOutDated");
  assertEquals((await ask(1, 1)).err, "ErrOutDated");
  assertEquals((await ask(3, 1)).err, "ErrNotReady");
  await group.close();
});

Deno.test("GetShardsData says ErrNotReady for more than fits in a message", async () => {
  const { group, routes } = await givingGroup();
  const [, , three] = configChain([100, 100], [100, 200], [200, 200]);
  assert(three !== undefined);
  await group.freeze(2, 1);
  await group.drop(2, 1);
  const value = Buffer.alloc(1 << 20);
  for (let i = 0; i < 4; i++) await group.write([write({ key: bytes(keyIn(0, 2, i)), value })]);
  await group.config(three);
  const request = { configNum: 3, shardIds: [0] };
  const answer = await callUnary(routes, ShardKVServiceService.getShardsData, request);
  assertEquals([answer.err, answer.shards], ["ErrNotReady", {}]);
  await group.close();
});

Deno.test("DeleteShardsData never says OK to a configuration that is not there yet", async () => {
  const { group, routes } = await givingGroup();
  const { deleteShardsData } = ShardKVServiceService;
  const ask = async (configNum: number, ...shardIds: number[]) =>
    (await callUnary(routes, deleteShardsData, { configNum, shardIds })).err;
  assertEquals(await ask(3, 1), "ErrNotReady");
  assertEquals(await ask(2, 0), "ErrOutDated");
  assertEquals(group.statuses(), { 0: "Serving", 1: "Leaving" });
  assertEquals(await ask(2, 1), "ErrOutDated", "it is still served");
  await group.freeze(2, 1);
  assertEquals(await ask(2, 1), "OK");
  assertEquals(await ask(2, 1), "OK");
  assertEquals(group.statuses(), { 0: "Serving" });
  await group.close();
});

for (const name of ["getShardsData", "deleteShardsData"] as const) {
  Deno.test(`${name} takes no more shards than there can be`, async () => {
    const { group, log, routes } = await givingGroup();
    log.propose = () => Promise.reject(new Error("Nothing is to be proposed"));
    const request = { configNum: 2, shardIds: new Array<number>(SHARDS_MAX + 1).fill(1) };
    const asked = callUnary(routes, ShardKVServiceService[name], request);
    const { code, message } = await assertRejects(() => asked, KvError);
    assertEquals(code, "INVALID_ARGUMENT");
    assertStringIncludes(message, "16385 shards are named, the limit is 16384");
    await group.close();
  });

  Deno.test(`${name} goes on with no further shard once its caller is gone`, async () => {
    const { group, log, routes } = await givingGroup();
    // A shard is deleted once it is frozen; to get it freezes it.
    if (name === "deleteShardsData") await group.freeze(2, 1);
    const gone = new AbortController();
    const reason = new KvError("CANCELLED", "The caller is gone");
    let steps = 0;
    const propose = log.propose.bind(log);
    log.propose = (payload) => {
      steps++;
      gone.abort(reason);
      return propose(payload);
    };
    const request = { configNum: 2, shardIds: [1, 1, 1, 1] };
    const asked = callUnary(routes, ShardKVServiceService[name], request, gone.signal);
    assertEquals(await assertRejects(() => asked, KvError), reason);
    assertEquals(steps, 1);
    await group.close();
  });
}

Deno.test("GetStatus tells eRaft's figures and ours", async () => {
  const { group, routes } = await givingGroup();
  const status = await callUnary(routes, ShardKVServiceService.getStatus, {});
  const key = keyIn(0, 2);
  assertEquals(status, {
    id: 2,
    state: "Leader",
    term: 1,
    lastApplied: 4,
    commitIndex: 5,
    storageSize: status.storageSize,
    address: "here:1",
    gid: 100,
    shards: [
      { shardId: 0, status: "Serving", keys: 1, bytes: key.length + 5 },
      { shardId: 1, status: "BePulling", keys: 1, bytes: keyIn(1, 2).length + 4 },
    ],
    leaderAddress: "leader:1",
    configNum: 2,
    logFirstIndex: 1,
    logLastIndex: 6,
    version: "1.2.3",
    moves: [],
    storeId: "0",
    identity: "0",
  });
  await group.close();
});

Deno.test("Command and requests for shards are turned away while as many as allowed are answered", async () => {
  const { group, log, gate, transfers, routes } = await givingGroup();
  const { command, getShardsData, deleteShardsData } = ShardKVServiceService;
  const put = {
    key: bytes(keyIn(0, 2)),
    value: bytes("new"),
    op: Op.PUT,
    clientId: "0",
    commandId: "0",
  };
  const asking = { configNum: 2, shardIds: [1] };
  const until = Promise.withResolvers<void>();
  log.gate = until.promise;
  const commands = [1, 2].map(() => callUnary(routes, command, put));
  const pulls = [1, 2].map(() => callUnary(routes, getShardsData, asking));
  assertEquals((await callUnary(routes, command, put)).err, "ErrNotReady");
  assertEquals((await callUnary(routes, getShardsData, asking)).err, "ErrNotReady");
  assertEquals((await callUnary(routes, deleteShardsData, asking)).err, "ErrNotReady");
  until.resolve();
  assertEquals((await Promise.all(commands)).map(({ err }) => err), ["OK", "OK"]);
  assertEquals((await Promise.all(pulls)).map(({ err }) => err), ["OK", "OK"]);
  assertEquals((await callUnary(routes, command, put)).err, "OK");
  for (const each of [gate, gate, transfers, transfers]) each.enter();
  await group.close();
});
