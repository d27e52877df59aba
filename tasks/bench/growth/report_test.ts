import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseGrowthOptions } from "./options.ts";
import { complaints, type GrowthReport, reportJson, sections } from "./report.ts";
import type { SizeFigures } from "./size_figures.ts";

const MIB = 1 << 20;

function sizeOf(keys: number, change: Partial<SizeFigures> = {}): SizeFigures {
  return {
    keys,
    loadMs: keys / 10,
    writtenBytes: keys * 1_200,
    emptyResidentBytes: 100 * MIB,
    residentBytes: 100 * MIB + keys * 100,
    storageBytes: keys * 150,
    listenMs: 700,
    caughtUpMs: 900,
    join: { shards: 32, ms: 500 + keys / 100 },
    leave: { shards: 32, ms: 500 + keys / 100 },
    newMemberMs: 900 + keys / 100,
    ...change,
  };
}

function reportOf(figures: Partial<GrowthReport>): GrowthReport {
  return {
    options: parseGrowthOptions([]),
    machine: {
      processors: "2 x Xeon",
      memoryBytes: 8 << 30,
      system: "Linux",
      deno: "2.9.3",
      load: 0,
      syncMs: 1,
    },
    ...figures,
  };
}

Deno.test("sections() gives every cost a row with its growth and its verdict", () => {
  const report = reportOf({ size: [sizeOf(10_000), sizeOf(100_000)] });
  const [section, ...others] = sections(report);
  assert(section !== undefined);
  assertEquals([section.name, others.length], ["growth", 0]);
  const row = (name: string) =>
    section.text.split("\n").find((line) => line.includes(name))?.split("|").map((c) => c.trim());
  assertEquals(row("written to disk, MiB")?.slice(2, 6), [
    "11",
    "114",
    "x 10.0",
    "no faster than the keys",
  ]);
  assertEquals(row("restart until it listens")?.slice(2, 6), [
    "0.70",
    "0.70",
    "x 1.0",
    "does not grow with the keys",
  ]);
  assertEquals(row("per byte of value")?.slice(2, 4), ["12.0", "12.0"]);
  assertEquals(row("memory of a replica over")?.slice(2, 4), ["100", "100"]);
  assertStringIncludes(section.text, "Machine: 2 x Xeon");
  assertEquals(complaints(report), []);
});

Deno.test("complaints() names a restart that takes longer the more keys there are", () => {
  const size = [sizeOf(10_000), sizeOf(100_000), sizeOf(1_000_000, { listenMs: 9_000 })];
  assertEquals(complaints({ size }), ["restart until it listens, s: 0.70, 0.70, 9.00"]);
});

Deno.test("complaints() names a cost that grows faster than the keys", () => {
  const size = [sizeOf(10_000), sizeOf(1_000_000, { join: { shards: 32, ms: 900_000 } })];
  assertEquals(complaints({ size }), ["a group joins, s: 0.60, 900.00"]);
});

Deno.test("sections() gives endurance and soak places of their own, each with a verdict", () => {
  const run = {
    callers: 64,
    puts: 100,
    failed: 0,
    perSecond: 2_000,
    p99Ms: 9,
    writtenBytes: 100_000,
  };
  const soak = [5, 6, 6, 6].map((mib) => (
    { requests: 50, perSecond: 10, p99Ms: 1, residentBytes: mib * MIB }
  ));
  const slow = { ...run, perSecond: 1_000 };
  const [endurance, soaked] = sections(reportOf({ endurance: [[run, slow]], soak }));
  assertEquals([endurance?.name, soaked?.name], ["endurance", "soak"]);
  assertStringIncludes(endurance?.text ?? "", "Verdict: Run 2 of 64 callers made 1000 puts/s");
  assertStringIncludes(soaked?.text ?? "", "200 unary puts in 10 min");
  assertStringIncludes(soaked?.text ?? "", "Verdict: it holds.");
});

Deno.test("reportJson() has the figures, and what is wrong with them", () => {
  const size = [sizeOf(10), sizeOf(100, { caughtUpMs: 60_000 })];
  const { schemaVersion, complaints, size: figures } = JSON.parse(reportJson(reportOf({ size })));
  assertEquals([schemaVersion, complaints.length, figures[1].caughtUpMs], [1, 1, 60_000]);
});
