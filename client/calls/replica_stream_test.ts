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
  const answer = async (writes: ResultCode[], more: boolean) => {
    stream.answer({
      id: stream.sent[0]?.id ?? 0,
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
