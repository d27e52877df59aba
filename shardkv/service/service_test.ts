import { assert, assertEquals } from "@std/assert";
import {
  KvServiceService,
  ResultCode,
  ShardTransferServiceService,
  WriteBatch,
} from "../../proto/gen/shardkv.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { RequestMetrics } from "../../server/request_metrics.ts";
import { changeCursor } from "../machine/machine_keys.ts";
import { WriteBrake } from "../migration/write_brake.ts";
import { bytes, configChain, keyIn, MachineHarness, write } from "../testing/machine_harness.ts";
import { callUnary, FakeLog, kvServiceOn } from "../testing/service_harness.ts";
import { RequestGate } from "./request_gate.ts";
import { transferRoutes } from "./service.ts";

Deno.test("freezeShard() freezes a shard behind the writes that were held, not in front of them", async () => {
  const group = new MachineHarness(100);
  const [one, two] = configChain([100, 100], [100, 200]);
  assert(one !== undefined && two !== undefined);
  await group.config(one);
  await group.config(two);
  const clock = new VirtualClock();
  const log = new FakeLog(group);
  const { machine } = group;
  const brake = new WriteBrake(clock);
  const requests = new RequestMetrics(clock);
  const kv = kvServiceOn({ log, group, clock }, { requests, brake });
  const transfers = new RequestGate(10);
  const routes = [...kv.routes, ...transferRoutes({ log, machine, transfers }, brake)];
  const cursor = changeCursor(0);
  const request = { configNum: 2, shard: 1, cursor, bytesMax: 1_000, storeId: "0", gid: 200 };
  const { pullShard, freezeShard } = ShardTransferServiceService;
  await callUnary(routes, pullShard, { ...request, brakeMs: 100 });
  const commands = [write({ key: bytes(keyIn(1, 2)), value: bytes("held") })];
  const writes = Buffer.from(
    WriteBatch.encode({ clientId: "0", lowestUnanswered: 0, commands }).finish(),
  );
  const batch = { id: 0, writes, getKeys: [], ageMs: 0, anyReplica: false };
  const writing = callUnary(routes, KvServiceService.execute, batch);
  await clock.advance(1);
  const last = await callUnary(routes, freezeShard, request);
  const { writeResults } = await writing;
  assertEquals(writeResults.map(({ code }) => code), [ResultCode.RESULT_OK]);
  assertEquals([last.records.map(({ value }) => `${value}`), last.done], [["held"], true]);
  await group.close();
});
