import { assert, assertEquals } from "@std/assert";
import { complaint, type FailoverResult, measureFailover, percentile } from "./failover.ts";

Deno.test("a group whose leader is killed soon takes writes again, and has lost none", async () => {
  const { failovers, acknowledged, missing } = await measureFailover(1);
  assertEquals(failovers.map(({ killed }) => killed.startsWith("100-")), [true]);
  assert(acknowledged > 1, `Only ${acknowledged} writes were acknowledged`);
  assertEquals(missing, []);
});

Deno.test("a failover that takes too long or loses a write is complained of", () => {
  const result = (slow: number, missing: readonly string[] = []): FailoverResult => ({
    failovers: Array.from(
      { length: 50 },
      (_, i) => ({ killed: "100-0", ms: i === 7 ? slow : 900 }),
    ),
    acknowledged: 1_000,
    missing,
  });
  assertEquals(complaint(result(2_000)), undefined);
  assertEquals(
    complaint(result(2_001)),
    "Writes stood still for 2001 ms (p99): at most 2000 are allowed",
  );
  assertEquals(complaint(result(900, ["lane-0-7"])), "Lost 1 acknowledged writes: lane-0-7");
});

Deno.test("percentile() gives the smallest value that so many per cent do not exceed", () => {
  const values = [5, 1, 4, 2, 3];
  assertEquals([20, 50, 99, 100].map((percent) => percentile(values, percent)), [1, 3, 5, 5]);
  assertEquals(percentile([], 50), NaN);
});
