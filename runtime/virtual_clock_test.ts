import { assertEquals } from "@std/assert";
import { createPrng } from "./prng.ts";
import { VirtualClock } from "./virtual_clock.ts";

Deno.test("VirtualClock runs timers by due time, then by the order they were set, whatever was cancelled", async () => {
  const clock = new VirtualClock();
  const prng = createPrng(1);
  const ran: number[] = [];
  const expected: { due: number; id: number }[] = [];
  for (let id = 0; id < 500; id++) {
    const due = prng.below(100);
    const timer = clock.setTimer(() => ran.push(id), due);
    if (prng.below(3) === 0) timer.cancel();
    else expected.push({ due, id });
  }
  assertEquals(clock.pending, expected.length);
  await clock.advance(1_000);
  const order = expected.sort((a, b) => a.due - b.due || a.id - b.id).map(({ id }) => id);
  assertEquals(ran, order);
  assertEquals(clock.pending, 0);
});

Deno.test("VirtualClock.advance() runs timers set by timers, but none that is due later", async () => {
  const clock = new VirtualClock();
  const ran: number[] = [];
  const again = () => {
    ran.push(clock.now());
    clock.setTimer(again, 10);
  };
  clock.setTimer(again, 10);
  await clock.advance(35);
  assertEquals(ran, [10, 20, 30]);
  assertEquals(clock.now(), 35);
  assertEquals(clock.pending, 1);
});

Deno.test("A timer of VirtualClock that has run can be cancelled without harm", async () => {
  const clock = new VirtualClock();
  const timer = clock.setTimer(() => {}, 1);
  clock.setTimer(() => {}, 50);
  await clock.advance(2);
  timer.cancel();
  timer.cancel();
  assertEquals(clock.pending, 1);
});
