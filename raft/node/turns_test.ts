import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { Turns } from "./turns.ts";

/** Turns over virtual time with ticks of 100 ms, and the ticks that each turn has got. */
function setUp(onTurn: () => void = () => {}) {
  const clock = new VirtualClock();
  const ticks: number[] = [];
  const failures: unknown[] = [];
  const turns = new Turns({
    clock,
    tickMs: 100,
    onTurn: (count) => {
      ticks.push(count);
      onTurn();
    },
    onTick: () => {},
    onFatal: (error) => failures.push(error),
  });
  return { clock, turns, ticks, failures };
}

Deno.test("Turns.wake(): what happens in one callback shares a turn", async () => {
  const { clock, turns, ticks } = setUp();
  turns.wake();
  turns.wake();
  assertEquals(ticks, [], "not within the callback itself");
  await clock.advance(0);
  assertEquals(ticks, [0]);
  turns.wake();
  await clock.advance(0);
  assertEquals(ticks, [0, 0]);
});

Deno.test("Turns.start() runs a turn at once and one with every tick", async () => {
  const { clock, turns, ticks } = setUp();
  turns.start();
  await clock.advance(0);
  assertEquals(ticks, [0]);
  await clock.advance(300);
  assertEquals(ticks, [0, 1, 1, 1]);
  turns.stop();
});

Deno.test("Turns.stop(): no turn comes any more, not even one that was asked for", async () => {
  const { clock, turns, ticks } = setUp();
  turns.start();
  turns.stop();
  turns.wake();
  await clock.advance(1_000);
  assertEquals([ticks, clock.pending], [[], 0]);
});

Deno.test("Turns tell of a turn that throws", async () => {
  const broken = new Error("Broken");
  const { clock, turns, failures } = setUp(() => {
    throw broken;
  });
  turns.wake();
  await clock.advance(0);
  assertEquals(failures, [broken]);
});
