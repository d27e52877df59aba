import { assert, assertEquals, assertMatch } from "@std/assert";
import { reportChart, reportText } from "./comparison_report.ts";
import { pointsOf, type SystemFigures } from "./measurement.ts";
import { parseComparisonOptions } from "./options.ts";

const options = parseComparisonOptions(["-callers", "1,1024"]);
const MACHINE = {
  processors: "2 x Processor",
  memoryBytes: 8 * 2 ** 30,
  system: "Linux",
  deno: "2.9.3",
  load: 0.1,
  syncMs: 0.25,
};

function figures(perSecond: number): SystemFigures {
  const sample = { perSecond, p50Ms: 1, p99Ms: 2, cpuSeconds: 0.04, clientCpuSeconds: 0.01 };
  return {
    points: pointsOf(options).map((point) => ({ point, sample })),
    residentBytes: 300 << 20,
  };
}

const report = {
  options,
  machine: MACHINE,
  titles: ["eRaft for Deno", "etcd 3"],
  ours: figures(30_000),
  etcd: figures(12_000),
};

Deno.test("reportText() shows both systems and their ratio, and says what durability means", () => {
  const text = reportText(report);
  assertMatch(text, /^\| put, 1,024 callers +\| 30,000 \/ 12,000 = 2\.50 \|/m);
  assertMatch(text, /^\| get, unary, 256 callers +\| 30,000 \/ 12,000 = 2\.50 \|/m);
  assertMatch(text, /300 MiB \/ 300 MiB = 1\.00/);
  assertMatch(text, /majority of the replicas has synced it to disk/);
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  assertEquals(new Set(lines.map(({ length }) => length)).size, 1, "columns are aligned");
});

Deno.test("reportText() leaves out what took no part", () => {
  assertMatch(reportText({ ...report, etcd: undefined }), /30,000 \/ - = -/);
});

Deno.test("reportChart() draws the same figures as the same bytes, a line for each system", () => {
  const chart = reportChart(report);
  assertEquals(reportChart(report), chart);
  assertEquals([...chart.matchAll(/<polyline/g)].length, 4);
  assert(!chart.includes("NaN"), chart);
});
