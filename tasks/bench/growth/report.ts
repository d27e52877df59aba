/** What `bench:growth` says to its reader: tables, verdicts, and how it was measured. Pure. */
import { withCommas } from "../comparison_table.ts";
import { type Machine, machineText } from "../machine.ts";
import { markdownTable } from "../markdown_table.ts";
import { type Cost, judge } from "./cost.ts";
import { enduranceComplaints, type EnduranceRun, writtenPerPut } from "./endurance.ts";
import type { GroupsFigures } from "./groups_run.ts";
import type { GrowthOptions } from "./options.ts";
import { costsOf, sharesOf, type SizeFigures } from "./size_figures.ts";
import { soakComplaints, soakMemory, type SoakSample } from "./soak.ts";

/** What was measured; a part that was not asked for is missing. */
export interface GrowthFigures {
  readonly size?: readonly SizeFigures[];
  readonly groups?: readonly GroupsFigures[];
  /** For each number of callers. */
  readonly endurance?: readonly (readonly EnduranceRun[])[];
  readonly soak?: readonly SoakSample[];
}

export interface GrowthReport extends GrowthFigures {
  readonly options: GrowthOptions;
  readonly machine: Machine;
}

/** A part of the page, by the name of its place there. */
export interface Section {
  readonly name: "growth" | "endurance" | "soak";
  readonly text: string;
}

/** The sections that there are figures for. */
export function sections(report: GrowthReport): Section[] {
  const { size, groups, endurance, soak, machine } = report;
  const tables = [
    ...(size === undefined ? [] : [sizeText(size, report.options)]),
    ...(groups === undefined ? [] : [groupsText(groups, report.options)]),
  ];
  const all: Section[] = [];
  const add = (name: Section["name"], text: string) =>
    all.push({ name, text: `${text}\nMachine: ${machineText(machine)}` });
  if (tables.length > 0) add("growth", tables.join("\n"));
  if (endurance !== undefined) add("endurance", enduranceText(endurance));
  if (soak !== undefined) add("soak", soakText(soak, report.options));
  return all;
}

/** What must not be, in words; empty if all is well. */
export function complaints({ size = [], endurance = [], soak }: GrowthFigures): string[] {
  const keys = size.map((one) => one.keys);
  const grown = costsOf(size).filter((cost) => !judge(cost, keys).holds);
  return [
    ...grown.map((cost) => `${cost.name}: ${cost.values.map(cost.show).join(", ")}`),
    ...endurance.flatMap(enduranceComplaints),
    ...(soak === undefined ? [] : soakComplaints(soak)),
  ];
}

export function reportJson(report: GrowthReport): string {
  const { options, machine, size, groups, endurance, soak } = report;
  const figures = { size, groups, endurance, soak };
  const value = { schemaVersion: 1, options, machine, ...figures, complaints: complaints(report) };
  return `${JSON.stringify(value)}\n`;
}

function sizeText(figures: readonly SizeFigures[], { valueBytes }: GrowthOptions): string {
  const keys = figures.map((one) => one.keys);
  const counts = keys.map((count) => `${withCommas(count)} keys`);
  const rows = costsOf(figures).map((cost) => costRow(cost, keys));
  const shares = sharesOf(figures, valueBytes).map((row) => [...row, "", ""]);
  return `${markdownTable(["cost", ...counts, "growth", "verdict"], [...rows, ...shares])}\n` +
    `One group of three holds all keys, with values of ${withCommas(valueBytes)} bytes, each ` +
    "replica with everything; they are loaded by putMany. What is written counts for all servers. " +
    "A follower is killed and started again three times, and the median counts. A second group " +
    "joins and gets half of the shards, then leaves; times last until every shard is served. The " +
    "new member begins with an empty disk and gets a snapshot: replicas keep few entries of their " +
    "log here.\n";
}

function costRow(cost: Cost, keys: readonly number[]): string[] {
  const { growth, verdict } = judge(cost, keys);
  return [cost.name, ...cost.values.map(cost.show), `x ${growth.toFixed(1)}`, verdict];
}

function groupsText(figures: readonly GroupsFigures[], options: GrowthOptions): string {
  const { callers, keys, valueBytes, durationMs } = options;
  const header = ["groups", "put/s", "put p99 ms", "get/s", "get p99 ms", "memory, MiB"];
  const rows = figures.map(({ groups, points, residentBytes }) => [
    String(groups),
    ...points.flatMap(({ sample: { perSecond, p99Ms } }) => [
      withCommas(perSecond),
      p99Ms.toFixed(1),
    ]),
    withCommas(residentBytes / (1 << 20)),
  ]);
  return `${markdownTable(header, rows)}\n` +
    `${withCommas(callers)} callers of one clerk, ${withCommas(keys[0] ?? 0)} keys, values of ` +
    `${withCommas(valueBytes)} bytes, ${durationMs / 1_000} s each. All groups, three replicas ` +
    "each, share the machine's processors and its disk with the clerk: what more groups cost " +
    "shows here, what they bring needs more machines.\n";
}

function enduranceText(series: readonly (readonly EnduranceRun[])[]): string {
  const header = ["callers, run", "put/s", "p99 ms", "failed", "bytes to disk per put"];
  const rows = series.flatMap((runs) =>
    runs.map((run, i) => [
      `${run.callers}, ${i + 1}`,
      withCommas(run.perSecond),
      run.p99Ms.toFixed(1),
      String(run.failed),
      withCommas(writtenPerPut(run)),
    ])
  );
  return `${markdownTable(header, rows)}\n${verdictText(series.flatMap(enduranceComplaints))}`;
}

function soakText(samples: readonly SoakSample[], { soakMs, callers }: GrowthOptions): string {
  const requests = samples.reduce((sum, sample) => sum + sample.requests, 0);
  const rates = samples.map(({ perSecond }) => perSecond);
  const { before, after } = soakMemory(samples);
  const mebibytes = (bytes: number) => `${withCommas(bytes / (1 << 20))} MiB`;
  return `${withCommas(requests)} unary puts in ${soakMs / 60_000} min, ${
    withCommas(callers)
  } in ` +
    `flight, ${withCommas(Math.min(...rates))} to ${withCommas(Math.max(...rates))}/s; none ` +
    `failed. All servers took ${mebibytes(before)} at most in the first half behind the warm-up, ` +
    `${mebibytes(after)} in the second.\n\n${verdictText(soakComplaints(samples))}`;
}

function verdictText(wrong: readonly string[]): string {
  return wrong.length === 0 ? "Verdict: it holds.\n" : `Verdict: ${wrong.join("; ")}.\n`;
}
