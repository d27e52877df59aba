import { assertEquals } from "@std/assert";
import {
  type BatchRequest,
  type BatchResponse,
  ResultCode,
  WriteOp,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import { ManualStream } from "../../rpc/testing/manual_stream.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";
import { putCall } from "../testing/put_call.ts";
import { BATCH_COMMANDS_MAX } from "./batcher.ts";
import { type CallOwner, GroupConnection } from "./group_connection.ts";
import { Command, PendingCall } from "./pending_call.ts";
import { ReplicaChoice } from "./replica_choice.ts";
import { Session } from "./session.ts";

/** A connection to a group of one shard, and what came of the calls. */
function connect(clock: VirtualClock, windowMax?: number, dialer?: Dialer) {
  const cluster = new FakeCluster({ clock, groups: 1, shards: 2 });
  const session = new Session("7", windowMax);
  const done: string[] = [];
  const held: PendingCall[] = [];
  let suspicions = 0;
  const owner: CallOwner = {
    succeed: (call) => {
      call.settled = true;
      session.answered(call.sequence);
      done.push(call.key.toString());
    },
    fail: (call, error) => {
      call.settled = true;
      done.push(`${call.key}: ${error.code}`);
    },
    retryElsewhere: (calls) => void held.push(...calls),
    suspectConfig: () => void suspicions++,
  };
  const connection = new GroupConnection({
    gid: 100,
    choice: new ReplicaChoice(cluster.group(100).addresses, clock),
    dialer: dialer ?? cluster.network.dialer(),
    clock,
    prng: createPrng(1),
    session,
    owner,
  });
  const group = cluster.group(100);
  return { cluster, group, session, connection, done, held, suspicions: () => suspicions };
}

/** A connection whose servers' answers the test gives, one by one. */
function connectByHand(clock: VirtualClock) {
  const streams: ManualStream<BatchRequest, BatchResponse>[] = [];
  const dialer: Dialer = {
    channel: (address) => {
      const stream = new ManualStream<BatchRequest, BatchResponse>();
      streams.push(stream);
      return stream.channel(address);
    },
    forget: () => {},
    close: () => Promise.resolve(),
  };
  const answer = async (response: Partial<BatchResponse>) => {
    const stream = streams.at(-1);
    stream?.answer({ ...NO_ANSWER, id: stream.sent.at(-1)?.id ?? 0, ...response });
    await clock.advance(0);
  };
  return { ...connect(clock, undefined, dialer), streams, answer };
}

const NO_ANSWER: BatchResponse = {
  id: 0,
  error: "",
  message: "",
  leaderAddress: "",
  configNum: 1,
  writeResults: [],
  getResults: [],
  places: [],
  more: false,
};

function resultsOf(...codes: ResultCode[]) {
  return codes.map((code) => ({ code, value: Buffer.alloc(0), hasValue: false }));
}

function getCall(key: string): PendingCall {
  const completion = { resolve: () => {}, reject: () => {} };
  return new PendingCall(new Command(WriteOp.WRITE_OP_UNSPECIFIED, Buffer.from(key)), completion);
}

/** A connection whose session's window is full, as long as the shard of `stuck` does not arrive. */
async function connectAndFillWindow(clock: VirtualClock) {
  const parts = connect(clock, 4);
  const { connection, cluster, group, done, held } = parts;
  const stuck = "stuck";
  group.arriving.add(cluster.shardOf(stuck));
  const others = Array.from({ length: 100 }, (_, i) => `k${i}`)
    .filter((key) => cluster.shardOf(key) !== cluster.shardOf(stuck)).slice(0, 10);
  for (const key of [stuck, ...others]) connection.enqueue(putCall(key));
  await clock.advance(10);
  assertEquals(held.map((call) => call.key.toString()), [stuck]);
  assertEquals(done, others.slice(0, 3));
  return { ...parts, stuck, others };
}

Deno.test("GroupConnection stops at the session's window and goes on when it opens", async () => {
  const clock = new VirtualClock();
  const { connection, session, done, others } = await connectAndFillWindow(clock);
  session.answered(1);
  await clock.advance(10);
  assertEquals(done, others);
  connection.close();
});

Deno.test("GroupConnection sends a write again, past those that wait for the window that it keeps full", async () => {
  const clock = new VirtualClock();
  const { connection, group, done, held, stuck, others } = await connectAndFillWindow(clock);
  const again = () => held.splice(0).forEach((call) => connection.enqueue(call));
  again();
  await clock.advance(10);
  assertEquals(held.length, 1, "it was sent, and the shard is not there yet");
  group.arriving.clear();
  again();
  await clock.advance(10);
  assertEquals(done, [...others.slice(0, 3), stuck, ...others.slice(3)]);
  connection.close();
});

Deno.test("GroupConnection gathers calls while a batch is out", async () => {
  const clock = new VirtualClock();
  const { connection, group, done } = connect(clock);
  group.delayMs = () => 10;
  for (let round = 1; round <= 2; round++) {
    for (let turn = 0; turn < 6; turn++) {
      connection.enqueue(putCall(`${round} ${turn}`));
      await clock.advance(0);
    }
    assertEquals(group.batches, 2 * round - 1);
    await clock.advance(10);
    assertEquals(group.batches, 2 * round);
    await clock.advance(10);
  }
  assertEquals(done.length, 12);
  connection.close();
});

Deno.test("GroupConnection sends full batches one behind the other, once the replica has answered", async () => {
  const clock = new VirtualClock();
  const { connection, group, done } = connect(clock);
  group.delayMs = () => 10;
  const enqueueMany = () => {
    for (let i = 0; i < 3 * BATCH_COMMANDS_MAX; i++) connection.enqueue(putCall(`${i}`));
  };
  enqueueMany();
  await clock.advance(0);
  assertEquals(group.batches, 1);
  await clock.advance(10);
  assertEquals(group.batches, 3);
  await clock.advance(10);
  enqueueMany();
  await clock.advance(0);
  assertEquals(group.batches, 6);
  await clock.advance(10);
  assertEquals(done.length, 6 * BATCH_COMMANDS_MAX);
  connection.close();
});

Deno.test("GroupConnection suspects the configuration after each round without a leader", async () => {
  const clock = new VirtualClock();
  const { connection, group, suspicions, done } = connect(clock);
  group.leader = undefined;
  connection.enqueue(putCall("k"));
  await clock.advance(0);
  assertEquals([group.batches, suspicions()], [3, 1]);
  group.leader = "100-1";
  await clock.advance(300);
  assertEquals(done, ["k"]);
  connection.close();
});

Deno.test("GroupConnection.retire() still takes answers to what was sent, and hands back calls without one", async () => {
  const clock = new VirtualClock();
  const { connection, group, done, held } = connect(clock);
  group.delayMs = () => 10;
  connection.enqueue(putCall("a"));
  await clock.advance(0);
  connection.retire();
  await clock.advance(10);
  assertEquals([done, held.length], [["a"], 0]);
  assertEquals(group.streams.size, 0, "it has ended with its last answer");
  const second = connect(clock);
  second.group.fault = () => "hang";
  second.connection.enqueue(putCall("b"));
  await clock.advance(0);
  second.connection.retire();
  await clock.advance(2_000);
  assertEquals(second.held.map((call) => [call.key.toString(), call.maybe]), [["b", true]]);
});

Deno.test("GroupConnection.retire() leaves no timer behind while the group has no leader", async () => {
  const clock = new VirtualClock();
  const { connection, group } = connect(clock);
  group.leader = undefined;
  connection.enqueue(putCall("k"));
  await clock.advance(0);
  connection.retire();
  assertEquals(clock.pending, 0);
});

Deno.test("GroupConnection sends all that is under way to a new leader at once", async () => {
  const clock = new VirtualClock();
  const { connection, group, done } = connect(clock);
  connection.enqueue(putCall("first"));
  await clock.advance(0);
  group.delayMs = () => 10;
  for (let i = 0; i < 4 * BATCH_COMMANDS_MAX; i++) connection.enqueue(putCall(`${i}`));
  await clock.advance(0);
  assertEquals(group.batches, 5);
  group.leader = "100-1";
  await clock.advance(30);
  assertEquals(done.length, 1 + 4 * BATCH_COMMANDS_MAX);
  assertEquals([...group.streams], [["100-1", 1]]);
  connection.close();
});

Deno.test("GroupConnection does not wait before it follows a hint, however long it once searched", async () => {
  const clock = new VirtualClock();
  const { connection, group, done } = connect(clock);
  group.leader = undefined;
  connection.enqueue(putCall("a"));
  await clock.advance(1_000);
  group.leader = "100-1";
  await clock.advance(300);
  group.leader = "100-2";
  connection.enqueue(putCall("b"));
  await clock.advance(0);
  assertEquals(done, ["a", "b"]);
  connection.close();
});

Deno.test("GroupConnection takes a batch for one that may have happened, however its stream broke", async () => {
  const clock = new VirtualClock();
  const { connection, streams } = connectByHand(clock);
  const [put, get] = [putCall("k"), getCall("k")];
  for (const call of [put, get]) connection.enqueue(call);
  await clock.advance(0);
  streams[0]?.break(new KvError("OVERLOADED", "Too many streams"));
  await clock.advance(0);
  assertEquals([put.maybe, get.maybe], [true, false]);
  connection.close();
});

Deno.test("GroupConnection ends calls whose verdict would be the same again, and has others sent again", async () => {
  const verdicts = [
    [ResultCode.RESULT_OK, "done"],
    [ResultCode.RESULT_NO_KEY, "done"],
    [ResultCode.RESULT_MISMATCH, "done"],
    [ResultCode.RESULT_VALUE_TOO_LARGE, "REFUSED"],
    [ResultCode.RESULT_INVALID, "INVALID_ARGUMENT"],
    [ResultCode.RESULT_SESSION_EXPIRED, "SESSION_EXPIRED"],
    [ResultCode.RESULT_STALE_SEQUENCE, "INTERNAL"],
    [99 as ResultCode, "INTERNAL"],
    [ResultCode.RESULT_WRONG_GROUP, "held: WRONG_GROUP"],
    [ResultCode.RESULT_NOT_READY, "held: NOT_READY"],
    [ResultCode.RESULT_TOO_MANY_SESSIONS, "held: OVERLOADED"],
  ] as const;
  const clock = new VirtualClock();
  const { connection, answer, done, held } = connectByHand(clock);
  const calls = verdicts.map((_, i) => putCall(`${i}`));
  for (const call of calls) connection.enqueue(call);
  await clock.advance(0);
  await answer({ writeResults: resultsOf(...verdicts.map(([code]) => code)) });
  const ends = new Map([
    ...done.map((end) => end.includes(": ") ? end.split(": ") : [end, "done"]),
    ...held.map(({ key, lastError }) => [`${key}`, `held: ${lastError?.code}`]),
  ] as [string, string][]);
  assertEquals(verdicts.map((_, i) => ends.get(`${i}`)), verdicts.map(([, end]) => end));
  assertEquals(held.map(({ underWay }) => underWay), [false, false, false]);
  connection.close();
});

Deno.test("GroupConnection waits for what is answered separately", async () => {
  const clock = new VirtualClock();
  const { connection, answer, done } = connectByHand(clock);
  for (const call of [putCall("a"), putCall("b")]) connection.enqueue(call);
  await clock.advance(0);
  const { RESULT_OK, RESULT_SEPARATE } = ResultCode;
  await answer({ writeResults: resultsOf(RESULT_SEPARATE, RESULT_OK), more: true });
  assertEquals(done, ["b"]);
  await answer({ writeResults: resultsOf(RESULT_OK) });
  assertEquals(done, ["b", "a"]);
  connection.close();
});

for (
  const [what, response] of [
    ["too few results", { getResults: resultsOf(ResultCode.RESULT_OK) }],
    ["too many results", { getResults: resultsOf(...Array(3).fill(ResultCode.RESULT_OK)) }],
    ["an error that it does not know", { error: "FROM_THE_FUTURE" }],
  ] as const
) {
  Deno.test(`GroupConnection ends the calls of a batch that is answered with ${what}`, async () => {
    const clock = new VirtualClock();
    const { connection, answer, done } = connectByHand(clock);
    for (const call of [getCall("a"), getCall("b")]) connection.enqueue(call);
    await clock.advance(0);
    await answer(response);
    assertEquals(done, ["a: INTERNAL", "b: INTERNAL"]);
    connection.close();
  });
}
