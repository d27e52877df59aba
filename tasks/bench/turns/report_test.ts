import { assertEquals } from "@std/assert";
import type { Sample } from "../measurement.ts";
import { turnsTable } from "./report.ts";

function sample(perSecond: number): Sample {
  const cpuSeconds = 100 / perSecond;
  return { perSecond, p50Ms: 1.5, p99Ms: 12, cpuSeconds, clientCpuSeconds: 0 };
}

Deno.test("contenders are compared within each round, however the machine drifts", () => {
  const table = turnsTable({ path: "own", operation: "put", callers: 256 }, [
    { name: "before", samples: [sample(1_000), sample(4_000), sample(2_000)] },
    { name: "after", samples: [sample(2_000), sample(8_000), sample(4_000)] },
  ]);
  assertEquals(
    table,
    `| put, 256 callers |  op/s |       ratio | p50 ms | p99 ms | CPU us |       ratio |
| ---------------- | ----: | ----------: | -----: | -----: | -----: | ----------: |
| before           | 2,000 | 1.00 ± 0.00 |   1.50 |   12.0 |   50.0 | 1.00 ± 0.00 |
| after            | 4,000 | 2.00 ± 0.00 |   1.50 |   12.0 |   25.0 | 0.50 ± 0.00 |
`,
  );
});
