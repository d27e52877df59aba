/** What is measured, and how the visits to one system become one figure. Pure. */
import type { ComparisonOptions, SystemName } from "./options.ts";

export type Operation = "put" | "get";

/** How requests reach the servers. */
export type Path =
  /** As a program of the system's users sends them. */
  | "own"
  /** One gRPC call for each, by the same load tool for every system. */
  | "unary";

/** One line of the table. */
export interface Point {
  readonly path: Path;
  readonly operation: Operation;
  readonly callers: number;
}

/** One visit to one point. */
export interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of all processes together, the client's too, for a thousand requests. */
  readonly cpuSeconds: number;
  /** The client's part of it. */
  readonly clientCpuSeconds: number;
}

/** What one system gave. */
export interface SystemFigures {
  readonly points: readonly { readonly point: Point; readonly sample: Sample }[];
  /** Of all servers together, at the end of a visit; in bytes. */
  readonly residentBytes: number;
}

/** Every point, in the order in which they are measured. */
export function pointsOf({ callers, unaryCallers }: ComparisonOptions): Point[] {
  const operations: readonly Operation[] = ["put", "get"];
  const own = operations.flatMap((operation) =>
    callers.map((count): Point => ({ path: "own", operation, callers: count }))
  );
  const unary = operations.map((operation): Point => ({
    path: "unary",
    operation,
    callers: unaryCallers,
  }));
  return [...own, ...unary];
}

/**
 * Whose turn it is, one after the other: ours, etcd, etcd, ours. What drifts
 * evenly while it all goes on, such as heat, then hits both alike.
 */
export function visitsOf({ systems, rounds }: ComparisonOptions): SystemName[] {
  return Array.from({ length: rounds }, () => [...systems, ...systems.toReversed()]).flat();
}

/** The mean of the visits to one system. */
export function combine(visits: readonly SystemFigures[]): SystemFigures {
  const points = visits[0]?.points ?? [];
  return {
    points: points.map(({ point }, i) => {
      const samples = visits.flatMap((visit) => visit.points[i]?.sample ?? []);
      const mean = (field: keyof Sample) => meanOf(samples.map((sample) => sample[field]));
      const sample: Sample = {
        perSecond: mean("perSecond"),
        p50Ms: mean("p50Ms"),
        p99Ms: mean("p99Ms"),
        cpuSeconds: mean("cpuSeconds"),
        clientCpuSeconds: mean("clientCpuSeconds"),
      };
      return { point, sample };
    }),
    residentBytes: meanOf(visits.map((visit) => visit.residentBytes)),
  };
}

/** NaN of no values. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle value, or the mean of the middle two; NaN of no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return meanOf(sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1));
}
