import { nextTick } from "node:process";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { sleep, systemClock } from "./clock.ts";
import { VirtualClock } from "./virtual_clock.ts";

Deno.test("systemClock runs a timer once and forgets a cancelled one", async () => {
  const start = systemClock.now();
  let cancelled = true;
  const timer = systemClock.setTimer(() => cancelled = false, 0);
  timer.cancel();
  await sleep(systemClock, 5);
  assert(cancelled);
  assert(systemClock.now() - start >= 4);
  assert(systemClock.wallTime() > 1_600_000_000_000);
});

Deno.test("systemClock.afterTurn() comes behind all that the turn has set in motion", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.afterTurn(() => {
      order.push("after");
      resolve();
    });
    // As gRPC does, which hands a message to HTTP/2 some microtasks later, and that to the socket.
    Promise.resolve().then(() => nextTick(() => queueMicrotask(() => order.push("sent"))));
  });
  assertEquals(order, ["sent", "after"]);
});

Deno.test("sleep() ends when the time is over or the signal is aborted", async () => {
  const clock = new VirtualClock();
  const slept = sleep(clock, 1_000);
  await clock.advance(1_000);
  await slept;
  const controller = new AbortController();
  const aborted = sleep(clock, 1_000, controller.signal);
  controller.abort(new Error("Stop"));
  await assertRejects(() => aborted, Error, "Stop");
  await assertRejects(() => sleep(clock, 1, controller.signal), Error, "Stop");
  assertEquals(clock.pending, 0);
});
