import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type BatchRequest,
  type BatchResponse,
  KvServiceService,
  ResultCode,
  WriteBatch,
  type WriteCommand,
  WriteOp,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { SESSION_TTL_MS } from "../../rpc/retry.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { RequestMetrics } from "../../server/request_metrics.ts";
import { RESPONSE_BYTES_MAX, SERVER_REQUESTS_MAX, STREAM_REQUESTS_MAX } from "../limits.ts";
import { Arrivals } from "../migration/arrivals.ts";
import { WriteBrake } from "../migration/write_brake.ts";
import {
  bytes,
  configChain,
  keyIn,
  MachineHarness,
  nextConfig,
  write,
} from "../testing/machine_harness.ts";
import { callUnary, FakeLog, kvServiceOn } from "../testing/service_harness.ts";
import { KvService } from "./kv_service.ts";
import { RequestGate } from "./request_gate.ts";

async function service() {
  const group = new MachineHarness(100);
  const [config] = configChain([100, 200]);
  assert(config !== undefined);
  await group.config(config);
  const log = new FakeLog(group);
  const clock = new VirtualClock();
  const requests = new RequestMetrics(clock);
  const brake = new WriteBrake(clock);
  const arrivals = new Arrivals(clock);
  const gate = new RequestGate(SERVER_REQUESTS_MAX);
  const kv = kvServiceOn({ log, group, clock }, { requests, brake, arrivals, gate });
  return { group, log, kv, clock, requests, brake, arrivals, gate };
}

function request(parts: Partial<BatchRequest>): BatchRequest {
  return { id: 0, writes: Buffer.alloc(0), getKeys: [], ageMs: 0, anyReplica: false, ...parts };
}

function batch(commands: WriteCommand[], clientId = "0"): Buffer {
  return Buffer.from(WriteBatch.encode({ clientId, lowestUnanswered: 0, commands }).finish());
}

/** Sends requests on one stream and returns the responses once all are answered. */
async function onStream(
  kv: KvService,
  sent: readonly BatchRequest[],
  onSent: () => void = () => {},
): Promise<BatchResponse[]> {
  const responses: BatchResponse[] = [];
  const route = kv.routes.find(({ kind }) => kind === "stream");
  assert(route?.kind === "stream");
  async function* requests() {
    yield* sent;
    await Promise.resolve();
    onSent();
  }
  await route.handler({
    requests: requests(),
    send: (response: BatchResponse) => responses.push(response),
    signal: new AbortController().signal,
    peer: "test",
    metadata: () => undefined,
  });
  return responses;
}

const ours = bytes(keyIn(0, 2));
const theirs = bytes(keyIn(1, 2));

Deno.test("execute() answers writes and reads of one request, each in its order", async () => {
  const { group, kv } = await service();
  const writes = batch([write({ key: theirs }), write({ key: ours, value: bytes("v") })]);
  const first = await kv.execute(request({ id: 3, writes }));
  assertEquals([first.id, first.error, first.configNum], [3, "", 1]);
  assertEquals(first.writeResults.map(({ code }) => code), [
    ResultCode.RESULT_WRONG_GROUP,
    ResultCode.RESULT_OK,
  ]);
  const { getResults } = await kv.execute(request({ getKeys: [theirs, ours, ours] }));
  assertEquals(getResults.map(({ code, value }) => [code, `${value}`]), [
    [ResultCode.RESULT_WRONG_GROUP, ""],
    [ResultCode.RESULT_OK, "v"],
    [ResultCode.RESULT_OK, "v"],
  ]);
  await group.close();
});

Deno.test("execute() does not bother the log with writes that cannot happen here", async () => {
  const { group, log, kv } = await service();
  log.propose = () => Promise.reject(new Error("The log was bothered"));
  const writes = batch([write({ key: theirs })]);
  const { writeResults } = await kv.execute(request({ writes }));
  assertEquals(writeResults.map(({ code }) => code), [ResultCode.RESULT_WRONG_GROUP]);
  await group.close();
});

Deno.test("execute() on a follower asks the log also about writes that cannot happen here, as far as it knows", async () => {
  const { group, log, kv } = await service();
  log.role = "follower";
  log.propose = () => Promise.reject(new KvError("NOT_LEADER", "Not here", { leader: "other:1" }));
  const writes = batch([write({ key: theirs })]);
  const error = await assertRejects(() => kv.execute(request({ writes })), KvError);
  assertEquals(error.code, "NOT_LEADER");
  const [answer] = await onStream(kv, [request({ writes })]);
  assertEquals([answer?.error, answer?.leaderAddress], ["NOT_LEADER", "other:1"]);
  await group.close();
});

Deno.test("execute() has all of a request wait for a shard that is arriving, and then asks the log", async () => {
  const { group, log, kv, arrivals } = await service();
  arrivals.expect(1);
  let proposed = 0;
  const propose = log.propose.bind(log);
  log.propose = (...args) => {
    proposed++;
    return propose(...args);
  };
  let read = 0;
  log.readBarrier = () => Promise.resolve(void read++);
  const writing = kv.execute(request({ writes: batch([write({ key: theirs })]) }));
  const reading = kv.execute(request({ getKeys: [theirs] }));
  const [whole] = await Promise.all([
    onStream(kv, [request({ getKeys: [theirs] })], () => {
      assertEquals([proposed, read], [0, 0]);
      arrivals.proposed(1);
      writing.then(() => arrivals.end(1));
    }),
    writing,
    reading,
  ]);
  assertEquals([proposed, read], [1, 2]);
  assertEquals(whole.map(({ more }) => more), [false], "all of it has waited");
  await group.close();
});

Deno.test("execute() holds writes to a shard whose writers are slowed down, and a stream those alone", async () => {
  const { group, kv, clock, brake } = await service();
  brake.apply(0, 50);
  const writes = batch([write({ key: ours, value: bytes("v") })]);
  let isDone = false;
  const writing = kv.execute(request({ writes })).then(() => isDone = true);
  const responses = onStream(kv, [request({ writes, getKeys: [ours] })]);
  await clock.advance(49);
  assertEquals(isDone, false);
  await clock.resolve(writing, 100);
  assertEquals((await clock.resolve(responses, 100)).map(({ more }) => more), [true, false]);
  await group.close();
});

Deno.test("execute() says where a shard is that has not arrived yet", async () => {
  const { group, kv } = await service();
  const next = nextConfig(group.machine.ownership.config, [100, 100]);
  await group.config(next);
  const writes = batch([write({ key: theirs })]);
  const answer = await kv.execute(request({ writes, getKeys: [theirs] }));
  const { RESULT_NOT_READY: NOT_READY } = ResultCode;
  assertEquals([answer.writeResults[0]?.code, answer.getResults[0]?.code], [NOT_READY, NOT_READY]);
  assertEquals(answer.places.map(({ shard, gid }) => [shard, gid]), [[1, 200]]);
  await group.close();
});

Deno.test("execute() refuses a write older than its session may be", async () => {
  const { group, kv } = await service();
  const writes = batch([write({ key: ours })], "7");
  const error = await assertRejects(
    () => kv.execute(request({ writes, ageMs: SESSION_TTL_MS })),
    KvError,
  );
  assertEquals(error.code, "SESSION_EXPIRED");
  await kv.execute(request({ writes, ageMs: SESSION_TTL_MS - 1 }));
  await group.close();
});

Deno.test("execute() says that writes may have happened when only the reads failed", async () => {
  const { group, log, kv } = await service();
  log.readError = new KvError("NOT_LEADER", "Cannot read here", { leader: "other:1" });
  const writes = batch([write({ key: ours })]);
  const error = await assertRejects(
    () => kv.execute(request({ writes, getKeys: [ours] })),
    KvError,
  );
  assertEquals([error.code, error.maybe, error.leader], ["LEADERSHIP_LOST", true, "other:1"]);
  await group.close();
});

Deno.test("execute() refuses a read when the leadership was lost during it", async () => {
  const { group, log, kv } = await service();
  const reading = kv.execute(request({ getKeys: [ours] }));
  log.role = "follower";
  const error = await assertRejects(() => reading, KvError);
  assertEquals([error.code, error.leader], ["NOT_LEADER", "leader:1"]);
  await group.close();
});

Deno.test("execute() proposes writes that read many values in several parts", async () => {
  const { group, log, kv } = await service();
  const proposed: number[] = [];
  const propose = log.propose.bind(log);
  log.propose = (payload, _replyAt, values = 0) => {
    proposed.push(values);
    return propose(payload);
  };
  const append = { op: WriteOp.WRITE_OP_APPEND, key: ours };
  const commands = Array.from(
    { length: 300 },
    (_, i) => write({ ...append, value: bytes(`${i},`), sequence: i + 1 }),
  );
  const { writeResults } = await kv.execute(request({ writes: batch(commands, "7") }));
  assertEquals(writeResults.map(({ code }) => code), Array(300).fill(ResultCode.RESULT_OK));
  assertEquals(proposed, [128, 128, 128]);
  assertEquals(await group.value(String(ours)), commands.map(({ value }) => `${value}`).join(""));
  await group.close();
});

Deno.test("execute() counts values of mismatches too, and has those asked for again that do not fit", async () => {
  const { group, kv } = await service();
  const value = Buffer.alloc(1 << 20);
  await kv.execute(request({ writes: batch([write({ key: ours, value })]) }));
  const cas = { op: WriteOp.WRITE_OP_CAS, key: ours, expected: bytes("other") };
  const commands = Array.from({ length: 6 }, (_, i) => write({ ...cas, sequence: i + 1 }));
  const writes = batch([...commands, write({ key: ours, value, sequence: 7 })], "7");
  const { writeResults, getResults } = await kv.execute(request({ writes, getKeys: [ours] }));
  const { RESULT_MISMATCH, RESULT_NOT_READY, RESULT_OK } = ResultCode;
  assertEquals(writeResults.map(({ code }) => code), [
    ...Array(3).fill(RESULT_MISMATCH),
    ...Array(3).fill(RESULT_NOT_READY),
    RESULT_OK,
  ]);
  assertEquals(getResults.map(({ code }) => code), [RESULT_NOT_READY]);
  await group.close();
});

Deno.test("execute() keeps a response within its bound and has the rest asked for again", async () => {
  const { group, kv } = await service();
  const keys = Array.from({ length: 5 }, (_, i) => bytes(keyIn(0, 2, i)));
  const value = Buffer.alloc(1 << 20);
  for (const key of keys) await kv.execute(request({ writes: batch([write({ key, value })]) }));
  const missing = [...keys];
  for (let round = 0; missing.length > 0; round++) {
    assert(round < 3, "two rounds are enough");
    const { getResults } = await kv.execute(request({ getKeys: missing }));
    const bytesOfAll = getResults.reduce((sum, result) => sum + result.value.length, 0);
    assert(bytesOfAll <= RESPONSE_BYTES_MAX);
    const got = getResults.filter(({ code }) => code === ResultCode.RESULT_OK).length;
    missing.splice(0, got);
  }
  await group.close();
});

Deno.test("Stream answers what is over the bound with OVERLOADED and keeps the rest going", async () => {
  const { group, log, kv } = await service();
  const open = Promise.withResolvers<void>();
  log.gate = open.promise;
  const extra = 10;
  const requests = Array.from(
    { length: STREAM_REQUESTS_MAX + extra },
    (_, id) => request({ id, writes: batch([write({ key: ours, value: bytes(`${id}`) })]) }),
  );
  const responses = await onStream(kv, requests, () => open.resolve());
  const refused = responses.filter(({ error }) => error === "OVERLOADED");
  assertEquals(refused.length, extra);
  assertEquals(responses.length, STREAM_REQUESTS_MAX + extra);
  assertEquals(new Set(responses.map(({ id }) => id)).size, responses.length);
  await group.close();
});

Deno.test("Execute is turned away while as many requests as allowed are answered", async () => {
  const { group, kv, gate } = await service();
  for (let i = 0; i < SERVER_REQUESTS_MAX; i++) gate.enter();
  const execute = () =>
    callUnary(kv.routes, KvServiceService.execute, request({ getKeys: [ours] }));
  assertEquals((await assertRejects(execute, KvError)).code, "OVERLOADED");
  gate.leave();
  for (let i = 0; i < 3; i++) await execute();
  await group.close();
});

Deno.test("Stream takes any number of requests one after the other", async () => {
  const { group, kv } = await service();
  const count = 2 * STREAM_REQUESTS_MAX;
  const route = kv.routes.find(({ kind }) => kind === "stream");
  assert(route?.kind === "stream");
  let responses = 0;
  async function* requests() {
    for (let id = 0; id < count; id++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      onResponse = resolve;
      yield request({ id, getKeys: [ours] });
      await promise;
    }
  }
  let onResponse = () => {};
  await route.handler({
    requests: requests(),
    send: ({ error }: BatchResponse) => {
      assertEquals(error, "");
      responses++;
      onResponse();
    },
    signal: new AbortController().signal,
    peer: "test",
    metadata: () => undefined,
  });
  assertEquals(responses, count);
  await group.close();
});

Deno.test("Stream answers what has to wait for a shard apart from the rest of its batch", async () => {
  const { group, kv, arrivals } = await service();
  const order: string[] = [];
  arrivals.expect(1);
  const commands = [theirs, ours].map((key) => write({ key, value: bytes("v") }));
  const answering = onStream(kv, [
    request({ id: 7, writes: batch(commands), getKeys: [ours, theirs] }),
    request({ id: 8, writes: batch([write({ key: ours, value: bytes("v") })]) }),
  ]);
  await kv.execute(request({ getKeys: [ours] })).then(() => order.push("not held up"));
  arrivals.end(1);
  order.push("here");
  const responses = await answering;
  const {
    RESULT_OK: OK,
    RESULT_NO_KEY: NO_KEY,
    RESULT_SEPARATE: SEPARATE,
    RESULT_WRONG_GROUP: WRONG_GROUP,
  } = ResultCode;
  const of = (id: number) =>
    responses.filter((response) => response.id === id).map((response) => [
      response.more,
      response.writeResults.map(({ code }) => code),
      response.getResults.map(({ code }) => code),
    ]);
  assertEquals(of(7), [
    [true, [SEPARATE, OK], [NO_KEY, SEPARATE]],
    [false, [WRONG_GROUP], [WRONG_GROUP]],
  ], "what waited comes by itself, and then the log decides");
  assertEquals(of(8), [[false, [OK], []]]);
  assertEquals(order, ["not held up", "here"]);
  await group.close();
});

Deno.test("Stream executes nothing that waits if the rest of its batch has failed: it all comes again", async () => {
  const { group, log, kv, arrivals } = await service();
  arrivals.expect(1);
  const proposed: Uint8Array[] = [];
  log.propose = (payload) => {
    proposed.push(payload);
    return Promise.reject(new KvError("NOT_LEADER", "Cannot propose here", { leader: "other:1" }));
  };
  const commands = [theirs, ours].map((key) => write({ key, value: bytes("v") }));
  const [answer, ...more] = await onStream(kv, [request({ id: 7, writes: batch(commands) })]);
  arrivals.end(1);
  assertEquals([answer?.id, answer?.error, answer?.more], [7, "NOT_LEADER", false]);
  assertEquals([more, proposed.length], [[], 1]);
  await group.close();
});

Deno.test("Scan pages over shards in key order and says who serves a shard of another group", async () => {
  const group = new MachineHarness(100);
  const [config] = configChain([100, 100, 100, 200]);
  assert(config !== undefined);
  await group.config(config);
  const log = new FakeLog(group);
  const clock = new VirtualClock();
  const kv = kvServiceOn({ log, group, clock });
  const names = Array.from({ length: 50 }, (_, i) => keyIn(i % 3, 4, i)).sort();
  const commands = names.map((name) => write({ key: bytes(name), value: bytes("v") }));
  await kv.execute(request({ writes: batch(commands) }));
  const scan = { shards: [0, 1, 2], start: bytes(""), end: bytes(""), limit: 7, keysOnly: true };
  const found: string[] = [];
  let { start } = scan;
  for (let more = true; more;) {
    const page = await callUnary(kv.routes, KvServiceService.scan, { ...scan, start });
    for (const { key, value } of page.pairs) {
      assertEquals(value.length, 0);
      found.push(`${key}`);
    }
    assert(page.pairs.length <= 7);
    start = Buffer.from(`${found.at(-1)}\0`);
    more = page.more;
  }
  assertEquals(found, names);
  const part = { ...scan, start: bytes(names[3] ?? ""), end: bytes(names[6] ?? "") };
  const { pairs, more } = await callUnary(kv.routes, KvServiceService.scan, part);
  assertEquals([pairs.map(({ key }) => `${key}`), more], [names.slice(3, 6), false]);
  const elsewhere = await callUnary(kv.routes, KvServiceService.scan, { ...scan, shards: [0, 3] });
  const place = { shard: 3, gid: 200, servers: ["g200n0", "g200n1", "g200n2"] };
  assertEquals(elsewhere, { pairs: [], more: false, places: [place], configNum: 1 });
  const error = await assertRejects(
    () => callUnary(kv.routes, KvServiceService.scan, { ...scan, shards: [4] }),
    KvError,
  );
  assertEquals(error.code, "INVALID_ARGUMENT");
  await group.close();
});

Deno.test("Every batch is timed from its arrival to its answer, and its commands counted with their shards", async () => {
  const { group, log, kv, clock, requests } = await service();
  const gate = Promise.withResolvers<void>();
  log.gate = gate.promise;
  const writes = batch([write({ key: ours }), write({ key: ours }), write({ key: theirs })]);
  const ask = (parts: Partial<BatchRequest>) =>
    callUnary(kv.routes, KvServiceService.execute, request(parts));
  const written = ask({ writes });
  await clock.advance(20);
  gate.resolve();
  await written;
  await ask({ getKeys: [ours, theirs] });
  await assertRejects(() => ask({ getKeys: [bytes("")] }), KvError);
  assertEquals([requests.writes.count, requests.reads.count], [3, 2]);
  const us = requests.writes.percentile(50);
  assert(us >= 20_000 && us < 22_000, `${us} µs for 20 ms`);
  // Two commands for another group's shard, and a request that makes no sense.
  assertEquals(requests.failures, 3);
  assertEquals(group.machine.operationCounts(), [{ shard: 0, reads: 1, writes: 2 }]);
  await group.close();
});

Deno.test("A scan counts for the shards that are here, whatever shards it names", async () => {
  const { group, kv, requests } = await service();
  const scan = { start: bytes(""), end: bytes(""), limit: 7, keysOnly: true };
  const ask = (...shards: number[]) =>
    callUnary(kv.routes, KvServiceService.scan, { ...scan, shards });
  await ask(0);
  assertEquals((await ask(1)).places.map(({ gid }) => gid), [200]);
  for (const shard of [-1, 2 ** 31 - 1]) await assertRejects(() => ask(shard), KvError);
  assertEquals([requests.reads.count, requests.failures], [2, 3]);
  assertEquals(group.machine.operationCounts(), [{ shard: 0, reads: 1, writes: 0 }]);
  await group.close();
});
