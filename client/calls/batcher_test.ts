import { assert, assertEquals } from "@std/assert";
import { putCall } from "../testing/put_call.ts";
import { encodeBatch, takeBatch } from "./batcher.ts";
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
