import { assertAlmostEquals, assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { Gate } from "./gate.ts";
import { NodeClock } from "./node_clock.ts";

function clocks() {
  const world = new VirtualClock();
  const gate = new Gate(world);
  return { world, gate, clock: new NodeClock(world, gate) };
}

Deno.test("NodeClock runs at its rate, and its timers with it", async () => {
  const { world, clock } = clocks();
  const rang: number[] = [];
  clock.set(2, 0);
  clock.setTimer(() => rang.push(world.now()), 100);
  await world.advance(100);
  assertAlmostEquals(clock.now(), 200);
  assertAlmostEquals(rang[0] ?? NaN, 50, 0.01);
  clock.set(0.5, 0);
  await world.advance(100);
  assertAlmostEquals(clock.now(), 250);
});

Deno.test("NodeClock never goes back, whatever its rate and its wall clock do", async () => {
  const { world, clock } = clocks();
  let last = clock.now();
  for (const [rate, offsetMs] of [[3, 5_000], [0.3, -9_000], [1, 0]] as const) {
    clock.set(rate, offsetMs);
    await world.advance(10);
    assertEquals(clock.now() > last, true);
    last = clock.now();
  }
});

Deno.test("NodeClock shows a wall time that is wrong by its offset", () => {
  const { world, clock } = clocks();
  clock.set(1, -7_000);
  assertEquals(clock.wallTime(), world.wallTime() - 7_000);
});

Deno.test("A timer of NodeClock has always come due by the node's own clock when it runs", async () => {
  const { world, clock } = clocks();
  await world.advance(12_345.678);
  for (const rate of [0.37, 1.1, 2.71828]) {
    clock.set(rate, 0);
    const due = clock.now() + 33.3;
    let lateBy = -1;
    clock.setTimer(() => lateBy = clock.now() - due, 33.3);
    await world.advance(200);
    assertEquals(lateBy >= 0, true, `At rate ${rate} it runs ${-lateBy} ms too early`);
  }
});

Deno.test("What a paused node does after a turn waits until it goes on", async () => {
  const { world, gate, clock } = clocks();
  let runs = 0;
  gate.close();
  clock.afterTurn(() => runs++);
  await world.advance(1_000);
  assertEquals(runs, 0);
  gate.open();
  await world.advance(1);
  assertEquals(runs, 1);
});

Deno.test("A paused node's timers wait and run in order once it goes on; cancelled ones do not", async () => {
  const { world, gate, clock } = clocks();
  const rang: string[] = [];
  clock.setTimer(() => rang.push("first"), 10);
  const second = clock.setTimer(() => rang.push("second"), 20);
  clock.setTimer(() => rang.push("third"), 30);
  gate.close();
  await world.advance(100);
  assertEquals(rang, []);
  second.cancel();
  gate.open();
  await world.advance(1);
  assertEquals(rang, ["first", "third"]);
});
