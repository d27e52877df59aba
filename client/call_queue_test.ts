import { assertEquals } from "@std/assert";
import { WriteOp } from "../proto/gen/shardkv.ts";
import { Command, PendingCall } from "./call.ts";
import { CallQueue } from "./call_queue.ts";

function put(key: string, sequence = 0): PendingCall {
  const completion = { resolve: () => {}, reject: () => {} };
  const call = new PendingCall(new Command(WriteOp.WRITE_OP_PUT, Buffer.from(key)), completion);
  call.sequence = sequence;
  return call;
}

Deno.test("CallQueue.requeue() puts calls before all others, those first that kept their number", () => {
  const queue = new CallQueue();
  const taken = [put("taken"), put("back", 1), put("new")];
  for (const call of [...taken, put("waiting")]) queue.push(call);
  for (const _ of taken) queue.shift();
  queue.requeue(taken.slice(1));
  queue.requeue([put("later")]);
  const keys = queue.takeAll().map(({ key }) => key.toString());
  assertEquals(keys, ["back", "later", "new", "waiting"]);
});
