import { assertEquals } from "@std/assert";
import { combine, median, pointsOf, visitsOf } from "./measurement.ts";
import { parseComparisonOptions } from "./options.ts";

Deno.test("visitsOf() lets what drifts hit both systems alike", () => {
  const options = parseComparisonOptions(["-rounds", "2"]);
  const round = ["ours", "etcd", "etcd", "ours"] as const;
  assertEquals(visitsOf(options), [...round, ...round]);
  assertEquals(visitsOf(parseComparisonOptions(["-only", "etcd"])), ["etcd", "etcd"]);
});

Deno.test("combine() takes the mean of each figure over the visits", () => {
  const [point] = pointsOf(parseComparisonOptions(["-callers", "8"]));
  if (point === undefined) throw new Error("There is no point");
  const visitWith = (value: number) => ({
    points: [{
      point,
      sample: {
        perSecond: value,
        p50Ms: value + 1,
        p99Ms: value + 2,
        cpuSeconds: value + 3,
        clientCpuSeconds: value + 4,
      },
    }],
    residentBytes: value,
  });
  assertEquals(combine([visitWith(10), visitWith(30)]), visitWith(20));
});

Deno.test("median() is the middle value, or the mean of the middle two", () => {
  assertEquals(median([3, 1, 200]), 3);
  assertEquals(median([4, 1, 200, 2]), 3);
});
