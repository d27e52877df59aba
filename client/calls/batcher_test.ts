import { assert, assertEquals } from "@std/assert";
import { putCall } from "../testing/put_call.ts";
import { encodeBatch, takeBatch, takeNumberBack } from "./batcher.ts";
import { CallQueue } from "./call_queue.ts";
import { Session } from "./session.ts";

Deno.test("encodeBatch() tells how long ago the oldest of its writes was sent for the first time", () => {
  const session = new Session("7");
  const queue = new CallQueue();
  queue.push(putCall("old"));
  const first = takeBatch(queue, session, 1_000);
  assert(first !== undefined);
  assertEquals(encodeBatch(1, first, session, 1_000).ageMs, 0);
  queue.requeue(first.writes);
  queue.push(putCall("new"));
  const second = takeBatch(queue, session, 5_000);
  assert(second !== undefined);
  assertEquals(encodeBatch(2, second, session, 5_000).ageMs, 4_000);
});

Deno.test("takeNumberBack() makes a write as new as if it had never been sent", () => {
  const session = new Session("7");
  const queue = new CallQueue();
  const call = putCall("k");
  queue.push(call);
  takeBatch(queue, session, 1_000);
  takeNumberBack(call, session);
  assertEquals([call.sequence, session.lowestUnanswered], [0, 2]);
  queue.requeue([call]);
  const again = takeBatch(queue, session, 5_000);
  assert(again !== undefined);
  assertEquals([call.sequence, encodeBatch(2, again, session, 5_000).ageMs], [2, 0]);
});

Deno.test("takeNumberBack() leaves a write alone that was given up: its number is free already", () => {
  const session = new Session("7");
  const queue = new CallQueue();
  const call = putCall("k");
  queue.push(call);
  takeBatch(queue, session, 0);
  call.settled = true;
  session.answered(call.sequence);
  takeNumberBack(call, session);
  assertEquals(session.lowestUnanswered, 2);
});
