/** The table of a comparison: one line for each point, ours beside etcd's. Pure. */
import { markdownTable } from "./markdown_table.ts";
import type { Point, Sample, SystemFigures } from "./measurement.ts";

/** What was measured; undefined for a system that took no part. */
export interface Comparison {
  readonly ours: SystemFigures | undefined;
  readonly etcd: SystemFigures | undefined;
}

interface Column {
  readonly name: string;
  readonly value: (sample: Sample) => number;
  readonly show: (value: number) => string;
}

const columns: readonly Column[] = [
  { name: "op/s", value: ({ perSecond }) => perSecond, show: withCommas },
  { name: "p50 ms", value: ({ p50Ms }) => p50Ms, show: threeDigits },
  { name: "p99 ms", value: ({ p99Ms }) => p99Ms, show: threeDigits },
  { name: "CPU s per 1,000", value: ({ cpuSeconds }) => cpuSeconds, show: threeDigits },
];

/** Each cell holds ours, etcd's, and ours divided by etcd's. */
export function comparisonTable({ ours, etcd }: Comparison): string {
  const points = (ours ?? etcd)?.points.map(({ point }) => point) ?? [];
  const header = ["ours / etcd = ratio", ...columns.map(({ name }) => name)];
  const rows = points.map((point, i) => [
    nameOf(point),
    ...columns.map(({ value, show }) => {
      const valueOf = (figures: SystemFigures | undefined) => {
        const sample = figures?.points[i]?.sample;
        return sample === undefined ? undefined : value(sample);
      };
      return pair(valueOf(ours), valueOf(etcd), show);
    }),
  ]);
  return markdownTable(header, rows);
}

/** One line about the memory of all servers. */
export function memoryLine({ ours, etcd }: Comparison): string {
  const cell = pair(ours?.residentBytes, etcd?.residentBytes, mebibytes);
  return `Memory of all servers at the end (RSS), ours / etcd = ratio: ${cell}.\n`;
}

export function nameOf({ path, operation, callers }: Point): string {
  const how = path === "own" ? "" : ", unary";
  return `${operation}${how}, ${withCommas(callers)} ${callers === 1 ? "caller" : "callers"}`;
}

function pair(
  ours: number | undefined,
  etcd: number | undefined,
  show: (value: number) => string,
): string {
  const shown = (value: number | undefined) => value === undefined ? "-" : show(value);
  const ratio = ours === undefined || etcd === undefined ? "-" : (ours / etcd).toFixed(2);
  return `${shown(ours)} / ${shown(etcd)} = ${ratio}`;
}

/** A whole number, with a comma for each thousand. */
export function withCommas(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function mebibytes(bytes: number): string {
  return `${withCommas(bytes / (1 << 20))} MiB`;
}
