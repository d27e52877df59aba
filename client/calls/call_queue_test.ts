import { assertEquals } from "@std/assert";
import { putCall } from "../testing/put_call.ts";
import { CallQueue } from "./call_queue.ts";
import type { PendingCall } from "./pending_call.ts";

function put(key: string, sequence = 0): PendingCall {
  const call = putCall(key);
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

Deno.test("CallQueue.push() puts a call that kept its number before those that have none yet", () => {
  const queue = new CallQueue();
  for (const call of [put("a"), put("b"), put("c", 1), put("d"), put("e", 2)]) queue.push(call);
  const keys: string[] = [];
  for (let call = queue.peek(); call !== undefined; call = queue.peek()) {
    keys.push(call.key.toString());
    queue.shift();
  }
  assertEquals(keys, ["c", "e", "a", "b", "d"]);
});

Deno.test("CallQueue.takeAll() leaves nothing that could be sent twice", () => {
  const queue = new CallQueue();
  queue.push(put("a"));
  assertEquals(queue.takeAll().length, 1);
  assertEquals([queue.length, queue.peek()], [0, undefined]);
});

Deno.test("CallQueue.sweep() frees settled calls once they are many, and keeps those that wait", () => {
  const queue = new CallQueue();
  for (let i = 0; i < 5_000; i++) {
    const call = put(`${i}`);
    call.settled = i % 1_000 !== 999;
    queue.push(call);
  }
  queue.sweep();
  assertEquals(queue.length, 5);
  assertEquals(queue.takeAll().map(({ key }) => `${key}`), ["999", "1999", "2999", "3999", "4999"]);
});
