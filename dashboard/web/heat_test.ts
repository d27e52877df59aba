import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { HEAT_METRICS, HEAT_STEPS, heatStep, heatValue, niceCeiling } from "./heat.ts";
import { aShard } from "./testdata/views.ts";

Deno.test("niceCeiling() is 1, 2 or 5 times a power of ten", () => {
  const cases = [[0, 0], [1, 1], [1.2, 2], [3, 5], [5, 5], [7, 10], [7651, 10_000], [
    20_000,
    20_000,
  ]];
  for (const [value = 0, ceiling] of cases) assertEquals(niceCeiling(value), ceiling);
  assertEquals(niceCeiling(NaN), 0);
});

Deno.test("heatStep() is 0 for nothing alone, grows with the value and stays on the scale", () => {
  fc.assert(fc.property(fc.nat(), fc.nat(), (a, b) => {
    const ceiling = niceCeiling(Math.max(a, b));
    const [low, high] = [Math.min(a, b), Math.max(a, b)].map((value) => heatStep(value, ceiling));
    const inRange = (step = -1) => step >= 0 && step <= HEAT_STEPS;
    return inRange(low) && inRange(high) && (low ?? 0) <= (high ?? 0) &&
      (heatStep(a, ceiling) === 0) === (a === 0);
  }));
  assertEquals(heatStep(10, 10), HEAT_STEPS);
});

Deno.test("heatValue() reads the figure that is asked for", () => {
  const shard = aShard(1, { keys: 1, bytes: 2, opsPerSecond: 3 });
  assertEquals(HEAT_METRICS.map((metric) => heatValue(shard, metric)), [1, 2, 3]);
});
