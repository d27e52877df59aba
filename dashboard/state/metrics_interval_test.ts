import { assert, assertEquals } from "@std/assert";
import { intervalBetween } from "./metrics_interval.ts";
import { counts, histogram } from "./state_testing.ts";

Deno.test("intervalBetween() takes rates and percentiles of what came since the last look alone", () => {
  const before = counts({
    uptimeMs: 10_000,
    reads: 100,
    writes: 1_000,
    failures: 5,
    writeLatency: histogram(1_000_000, 1_000_000),
    cpuUs: 3_000_000,
    shards: [{ shard: 4, reads: 10, writes: 7 }],
  });
  const after = counts({
    uptimeMs: 12_000,
    reads: 110,
    writes: 1_400,
    failures: 6,
    writeLatency: histogram(1_000_000, 1_000_000, 2_000, 2_000, 40_000),
    logSync: histogram(5_000),
    applyLag: 3,
    memoryBytes: 90,
    heapBytes: 30,
    cpuUs: 3_500_000,
    shards: [{ shard: 4, reads: 20, writes: 7 }, { shard: 9, reads: 0, writes: 4 }],
  });
  const interval = intervalBetween(before, after);
  assert(interval !== undefined);
  const { figures, shards } = interval;
  assertEquals([figures.readsPerSecond, figures.writesPerSecond], [5, 200]);
  assertEquals([figures.failuresPerSecond, figures.cpuPercent], [0.5, 25]);
  assertEquals([figures.readP50Ms, figures.readP99Ms], [null, null]);
  assertNear(figures.writeP50Ms, 2);
  assertNear(figures.writeP99Ms, 40);
  assertNear(figures.fsyncP99Ms, 5);
  assertEquals([figures.applyLag, figures.memoryBytes, figures.heapBytes], [3, 90, 30]);
  assertEquals([...shards], [[4, { reads: 5, writes: 0 }], [9, { reads: 0, writes: 2 }]]);
});

Deno.test("intervalBetween() counts from 0 for a server that was started anew", () => {
  const before = counts({ startId: "1", uptimeMs: 90_000, writes: 500, cpuUs: 9_000_000 });
  const after = counts({ startId: "2", uptimeMs: 2_000, writes: 10, cpuUs: 200_000 });
  const figures = intervalBetween(before, after)?.figures;
  assertEquals([figures?.writesPerSecond, figures?.cpuPercent], [5, 10]);
});

Deno.test("intervalBetween() says nothing of no time", () => {
  const one = counts({ uptimeMs: 1_000 });
  assertEquals(intervalBetween(one, one), undefined);
  assertEquals(intervalBetween(one, counts({ uptimeMs: 900 })), undefined);
});

function assertNear(actual: number | null, expected: number): void {
  assert(
    actual !== null && Math.abs(actual - expected) <= expected / 16,
    `${actual} ≠ ${expected}`,
  );
}
