import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Histogram } from "./histogram.ts";

Deno.test("Histogram.percentile() is exact to within a 64th", () => {
  const values = fc.array(fc.nat({ max: 100_000_000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const histogram = new Histogram();
      for (const value of values) histogram.record(value);
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil((percent / 100) * values.length) - 1] ?? NaN;
      const given = histogram.percentile(percent);
      assert(given >= exact && given <= exact * (1 + 1 / 64) + 1, `${given} for ${exact}`);
      assertEquals(histogram.max, sorted.at(-1));
    }),
    { seed: 1 },
  );
});

Deno.test("Histogram has the true mean, and nothing to say of nothing", () => {
  const histogram = new Histogram();
  assert(Number.isNaN(histogram.percentile(50)) && Number.isNaN(histogram.mean));
  histogram.record(1);
  histogram.record(2);
  assertEquals([histogram.mean, histogram.count], [1.5, 2]);
});

Deno.test("Histogram.recordBucket() rebuilds a histogram from its buckets, one of many or their sum", () => {
  const [first, second, both, rebuilt] = Array.from({ length: 4 }, () => new Histogram(16));
  assert(first && second && both && rebuilt);
  for (const [histogram, value, times] of [[first, 3, 5], [second, 70_000, 2]] as const) {
    histogram.record(value, times);
    both.record(value, times);
    for (const bucket of histogram.buckets()) rebuilt.recordBucket(bucket);
  }
  assertEquals([...rebuilt.buckets()], [...both.buckets()]);
  assertEquals(rebuilt.count, 7);
  assertEquals(rebuilt.percentile(50), 4);
  assert(rebuilt.percentile(99) >= 70_000 && rebuilt.percentile(99) <= 70_000 * (1 + 1 / 16));
});
