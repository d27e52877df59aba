import { assert, assertEquals } from "@std/assert";
import { putCall } from "../testing/put_call.ts";
import { encodeBatch, takeBatch, takeNumberBack } from "./batcher.ts";
import { CallQueue } from "./call_queue.ts";
import type { Moment } from "./moment.ts";
import { Session } from "./session.ts";

/** A moment by clocks that agree, unless the machine had been suspended before it. */
function at(steady: number, suspendedMs = 0): Moment {
  return { steady, wall: 1_700_000_000_000 + steady + suspendedMs };
}

Deno.test("encodeBatch() tells how long ago the oldest of its writes was sent for the first time", () => {
  const session = new Session("7");
  const queue = new CallQueue();
  queue.push(putCall("old"));
  const first = takeBatch(queue, session, at(1_000));
  assert(first !== undefined);
  assertEquals(encodeBatch(1, first, session, at(1_000)).ageMs, 0);
  queue.requeue(first.writes);
  queue.push(putCall("new"));
  const second = takeBatch(queue, session, at(5_000));
  assert(second !== undefined);
  assertEquals(encodeBatch(2, second, session, at(5_000)).ageMs, 4_000);
});

Deno.test("encodeBatch() counts the time that a client's machine was suspended, and no clock set back", () => {
  const session = new Session("7");
  const queue = new CallQueue();
  queue.push(putCall("k"));
  const batch = takeBatch(queue, session, at(1_000));
  assert(batch !== undefined);
  assertEquals(encodeBatch(1, batch, session, at(3_000, 7_200_000)).ageMs, 7_202_000);
  assertEquals(encodeBatch(1, batch, session, at(3_000, -60_000)).ageMs, 2_000);
});

Deno.test("takeNumberBack() makes a write as new as if it had never been sent", () => {
  const session = new Session("7");
  const queue = new CallQueue();
  const call = putCall("k");
  queue.push(call);
  takeBatch(queue, session, at(1_000));
  takeNumberBack(call, session);
  assertEquals([call.sequence, session.lowestUnanswered], [0, 2]);
  queue.requeue([call]);
  const again = takeBatch(queue, session, at(5_000));
  assert(again !== undefined);
  assertEquals([call.sequence, encodeBatch(2, again, session, at(5_000)).ageMs], [2, 0]);
});

Deno.test("takeNumberBack() leaves a write alone that was given up: its number is free already", () => {
  const session = new Session("7");
  const queue = new CallQueue();
  const call = putCall("k");
  queue.push(call);
  takeBatch(queue, session, at(0));
  call.settled = true;
  session.answered(call.sequence);
  takeNumberBack(call, session);
  assertEquals(session.lowestUnanswered, 2);
});
