import { assertEquals } from "@std/assert";
import {
  type BatchRequest,
  type BatchResponse,
  type Result,
  ResultCode,
  WriteOp,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { ManualStream } from "../../rpc/testing/manual_stream.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import type { Batch } from "./batcher.ts";
import { Command, PendingCall } from "./pending_call.ts";
import { ReplicaStream } from "./replica_stream.ts";
import { Session } from "./session.ts";

const { RESULT_OK: OK, RESULT_SEPARATE: SEPARATE } = ResultCode;

/** A stream whose answers the test gives, and what it told. */
function open() {
  const clock = new VirtualClock();
  const stream = new ManualStream<BatchRequest, BatchResponse>();
  const answered: string[][] = [];
  const broken: string[] = [];
  const replica = new ReplicaStream({
    channel: stream.channel("a:1"),
    session: new Session("7"),
    clock,
    onAnswer: (_, batch) => answered.push(keysOf(batch)),
    onBroken: (_, batches) => broken.push(...batches.flatMap(keysOf)),
  });
  const answer = async (writes: ResultCode[], more: boolean, at = 0) => {
    stream.answer({
      id: stream.sent[at]?.id ?? 0,
      error: "",
      message: "",
      leaderAddress: "",
      configNum: 1,
      writeResults: writes.map(resultOf),
      getResults: [],
      places: [],
      more,
    });
    await clock.advance(0);
  };
  return { clock, stream, replica, answer, answered, broken };
}

function resultOf(code: ResultCode): Result {
  return { code, value: Buffer.alloc(0), hasValue: false };
}

function keysOf({ writes }: Batch): string[] {
  return writes.map(({ key }) => `${key}`);
}

function puts(...keys: string[]): Batch {
  const completion = { resolve: () => {}, reject: () => {} };
  const writes = keys.map((key) =>
    new PendingCall(new Command(WriteOp.WRITE_OP_PUT, Buffer.from(key)), completion)
  );
  return { writes, reads: [] };
}

Deno.test("ReplicaStream makes room for the next batch while a part of an answer is still to come", async () => {
  const { replica, answer, answered } = open();
  replica.send(puts("a", "b", "c"));
  assertEquals([replica.inFlight, replica.isIdle], [1, false]);
  await answer([OK, SEPARATE, SEPARATE], true);
  assertEquals(answered, [["a", "b", "c"]]);
  assertEquals([replica.inFlight, replica.isIdle], [0, false]);
  await answer([OK, OK], false);
  assertEquals(answered, [["a", "b", "c"], ["b", "c"]], "the results are those of the rest");
  assertEquals([replica.inFlight, replica.isIdle], [0, true]);
  replica.cancel();
});

Deno.test("ReplicaStream gives back only what has no answer when it breaks", async () => {
  const { clock, stream, replica, answer, broken } = open();
  replica.send(puts("a", "b"));
  replica.send(puts("c"));
  await answer([OK, SEPARATE], true);
  stream.break(new KvError("UNAVAILABLE", "The connection broke"));
  await clock.advance(0);
  assertEquals(broken, ["b", "c"]);
});

Deno.test("ReplicaStream does not let any number of batches wait for shards to change hands", async () => {
  const { replica, answer } = open();
  for (let i = 0; i < 65; i++) {
    replica.send(puts("a", "b"));
    await answer([OK, SEPARATE], true, i);
  }
  assertEquals(replica.inFlight, 1);
  replica.cancel();
});

Deno.test("ReplicaStream takes a replica for dead that answers nothing", async () => {
  const { clock, replica, answer, broken } = open();
  await clock.advance(5_000);
  replica.send(puts("a"));
  await clock.advance(1_500);
  replica.send(puts("b"));
  await answer([OK], false);
  await clock.advance(1_999);
  assertEquals([broken, replica.wentSilent], [[], false]);
  await clock.advance(1);
  assertEquals([broken, replica.wentSilent], [["b"], true]);
});

Deno.test("ReplicaStream waits for a batch while others are answered, but not for ever", async () => {
  const { clock, replica, answer, broken } = open();
  replica.send(puts("slow", "held"));
  await clock.advance(500);
  await answer([OK, SEPARATE], true);
  for (let i = 1; i < 10; i++) {
    await clock.advance(1_000);
    replica.send(puts(`${i}`));
    await answer([OK], false, i);
  }
  await clock.advance(499);
  assertEquals(broken, []);
  await clock.advance(1);
  assertEquals(broken, ["held"]);
});
