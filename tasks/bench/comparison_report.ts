/** What a comparison says to its reader: the words around the table, and the chart. Pure. */
import { type Panel, type Series, throughputChart } from "./chart.ts";
import { type Comparison, comparisonTable, memoryLine, withCommas } from "./comparison_table.ts";
import { type Machine, machineText } from "./machine.ts";
import type { Operation, SystemFigures } from "./measurement.ts";
import type { ComparisonOptions } from "./options.ts";

export interface Report extends Comparison {
  readonly options: ComparisonOptions;
  readonly machine: Machine;
  /** Names and versions of the systems. */
  readonly titles: readonly string[];
}

/** How it was measured, in the words that the table needs to be understood. */
export function conditionsText({ options, machine, titles }: Report): string {
  const { keys, valueBytes, durationMs, warmupMs, rounds, unaryCallers } = options;
  return `${titles.join(" and ")}, each with three replicas on loopback and the same disk.\n` +
    "Durability is the same on both sides: a put is acknowledged once a majority of the replicas " +
    "has synced it to disk, and every get is linearizable.\n" +
    `${withCommas(keys)} keys with values of ${withCommas(valueBytes)} bytes were loaded first. ` +
    `Each figure is the mean of ${2 * rounds} measurements of ${durationMs / 1_000} s after ` +
    `${warmupMs / 1_000} s of warm-up, in the order ours, etcd, etcd, ours.\n` +
    "Ours is driven by one clerk in one process with any of the keys, etcd by h2load with one " +
    "key on one connection, the leanest client there is for it; unary calls are made by h2load " +
    `to both, ${withCommas(unaryCallers)} in flight. CPU is that of all processes, the client's ` +
    "and our controllers' too.\n" +
    `Machine: ${machineText(machine)}`;
}

/** For the terminal and for the page alike. */
export function reportText(report: Report): string {
  return `${comparisonTable(report)}\n${memoryLine(report)}\n${conditionsText(report)}`;
}

export function reportJson({ options, machine, titles, ours, etcd }: Report): string {
  return `${JSON.stringify({ schemaVersion: 1, options, machine, titles, ours, etcd })}\n`;
}

/** Through each system's own client path. */
export function reportChart({ ours, etcd }: Comparison): string {
  const operations: readonly { readonly operation: Operation; readonly title: string }[] = [
    { operation: "put", title: "put, requests per second" },
    { operation: "get", title: "linearizable get, requests per second" },
  ];
  return throughputChart(operations.map(({ operation, title }): Panel => ({
    title,
    series: [
      seriesOf({ name: "eRaft for Deno", color: "#1a5fb4", marker: "circle" }, ours, operation),
      seriesOf({ name: "etcd", color: "#c64600", marker: "square" }, etcd, operation),
    ].filter(({ points }) => points.length > 0),
  })));
}

function seriesOf(
  look: Omit<Series, "points">,
  figures: SystemFigures | undefined,
  operation: Operation,
): Series {
  const points = (figures?.points ?? [])
    .filter(({ point }) => point.path === "own" && point.operation === operation)
    .map(({ point, sample }) => ({ callers: point.callers, perSecond: sample.perSecond }));
  return { ...look, points };
}
