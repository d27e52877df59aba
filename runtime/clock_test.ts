import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Clock, sleep, systemClock } from "./clock.ts";

/** A clock that moves when the test says so. */
class ManualClock implements Clock {
  #timers: { readonly callback: () => void; readonly delayMs: number }[] = [];

  get waiting(): number {
    return this.#timers.length;
  }

  now = () => 0;
  wallTime = () => 0;

  setTimer(callback: () => void, delayMs: number) {
    const timer = { callback, delayMs };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) };
  }

  fire(): void {
    for (const { callback } of this.#timers.splice(0)) callback();
  }
}

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

Deno.test("sleep() ends when the time is over or the signal is aborted", async () => {
  const clock = new ManualClock();
  const slept = sleep(clock, 1_000);
  clock.fire();
  await slept;
  const controller = new AbortController();
  const aborted = sleep(clock, 1_000, controller.signal);
  controller.abort(new Error("Stop"));
  await assertRejects(() => aborted, Error, "Stop");
  await assertRejects(() => sleep(clock, 1, controller.signal), Error, "Stop");
  assertEquals(clock.waiting, 0);
});
