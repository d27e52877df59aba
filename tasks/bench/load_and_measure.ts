/** Loads one system under test and measures it at every point. */
import { processUsage } from "../../tests/e2e/process_usage.ts";
import { runH2load } from "./h2load.ts";
import type { Point, Sample, SystemFigures } from "./measurement.ts";
import type { Drive, SystemUnderTest } from "./system.ts";

export interface LoadOptions {
  readonly points: readonly Point[];
  readonly warmupMs: number;
  readonly durationMs: number;
  readonly onSample: (point: Point, sample: Sample) => void;
}

/** Loads the keys and measures; the system is left running. */
export async function loadAndMeasure(
  system: SystemUnderTest,
  options: LoadOptions,
): Promise<SystemFigures> {
  const { points, warmupMs, durationMs, onSample } = options;
  await system.load();
  const figures: { point: Point; sample: Sample }[] = [];
  for (const point of points) {
    if (warmupMs > 0) await drive(system, point, warmupMs);
    const sample = await measure(system, () => drive(system, point, durationMs));
    onSample(point, sample);
    figures.push({ point, sample });
  }
  const usages = await Promise.all(system.pids.map(processUsage));
  const residentBytes = usages.reduce((sum, usage) => sum + usage.residentBytes, 0);
  return { points: figures, residentBytes };
}

/** Puts a system under one point's load. */
export function drive(system: SystemUnderTest, point: Point, durationMs: number): Promise<Drive> {
  const { path, operation, callers } = point;
  return path === "own"
    ? system.drive(operation, callers, durationMs)
    : runH2load(system.unary(operation), { callers, durationMs });
}

/** What came of a stretch of load, and what it cost. */
export async function measure(system: SystemUnderTest, run: () => Promise<Drive>): Promise<Sample> {
  const serversBefore = await serverCpuSeconds(system);
  const clientBefore = await clientCpuSeconds();
  const { requests, seconds, p50Ms, p99Ms } = await run();
  const client = await clientCpuSeconds() - clientBefore;
  const servers = await serverCpuSeconds(system) - serversBefore;
  const perThousand = 1_000 / requests;
  return {
    perSecond: requests / seconds,
    p50Ms,
    p99Ms,
    cpuSeconds: (servers + client) * perThousand,
    clientCpuSeconds: client * perThousand,
  };
}

async function serverCpuSeconds({ pids }: SystemUnderTest): Promise<number> {
  const usages = await Promise.all(pids.map(processUsage));
  return usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** This process and every child of it that has ended: the clerk, or the load tool. */
async function clientCpuSeconds(): Promise<number> {
  const { cpuSeconds, endedChildrenCpuSeconds } = await processUsage(Deno.pid);
  return cpuSeconds + endedChildrenCpuSeconds;
}
