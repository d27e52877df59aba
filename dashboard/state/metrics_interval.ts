/** What a server did between two looks at its counts: rates and percentiles. Pure. */
import { GetMetricsResponse, type ValueHistogram } from "../../proto/gen/node.ts";
import { Histogram } from "../../runtime/histogram.ts";
import type { ShardId } from "../../shardctrler/configuration/config.ts";
import type { NodeFigures } from "../api.ts";

/** Operations on one shard, per second. */
export interface ShardRates {
  /** Answered by this server. */
  readonly reads: number;
  /** Applied by this server, as by every replica of its group. */
  readonly writes: number;
}

export interface MetricsInterval {
  readonly figures: NodeFigures;
  /** Of this interval alone, in microseconds. */
  readonly readLatency: Histogram;
  readonly writeLatency: Histogram;
  readonly shards: ReadonlyMap<ShardId, ShardRates>;
}

/** A server that was started after the last look has counted from 0 since. */
const NOTHING = GetMetricsResponse.decode(Buffer.alloc(0));

/** Buckets of histograms that hold nothing do not matter. */
const BUCKETS_DEFAULT = 16;

/**
 * @param before The look before; of another start of the server counts as none
 * @returns Undefined if no time has passed on the server between the two
 */
export function intervalBetween(
  before: GetMetricsResponse,
  after: GetMetricsResponse,
): MetricsInterval | undefined {
  const base = before.startId === after.startId ? before : NOTHING;
  const elapsedMs = after.uptimeMs - base.uptimeMs;
  if (elapsedMs <= 0) return undefined;
  const perSecond = (count: number) => round(count / (elapsedMs / 1_000));
  const readLatency = histogramBetween(base.readLatency, after.readLatency);
  const writeLatency = histogramBetween(base.writeLatency, after.writeLatency);
  const logSync = histogramBetween(base.logSync, after.logSync);
  const tickLag = histogramBetween(base.tickLag, after.tickLag);
  const figures: NodeFigures = {
    readsPerSecond: perSecond(after.reads - base.reads),
    writesPerSecond: perSecond(after.writes - base.writes),
    failuresPerSecond: perSecond(after.failures - base.failures),
    readP50Ms: percentileMs(readLatency, 50),
    readP99Ms: percentileMs(readLatency, 99),
    writeP50Ms: percentileMs(writeLatency, 50),
    writeP99Ms: percentileMs(writeLatency, 99),
    fsyncP50Ms: percentileMs(logSync, 50),
    fsyncP99Ms: percentileMs(logSync, 99),
    applyLag: after.applyLag,
    eventLoopLagMs: percentileMs(tickLag, 99) ?? 0,
    memoryBytes: after.memoryBytes,
    heapBytes: after.heapBytes,
    cpuPercent: round((after.cpuUs - base.cpuUs) / (elapsedMs * 10)),
    uptimeMs: after.uptimeMs,
  };
  return { figures, readLatency, writeLatency, shards: shardsBetween(base, after, perSecond) };
}

/** Milliseconds from a histogram of microseconds; null if nothing was recorded. */
export function percentileMs(histogram: Histogram, percent: number): number | null {
  return histogram.count === 0 ? null : round(histogram.percentile(percent) / 1_000);
}

/** Three digits after the point: more would be noise, and travel. */
export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function histogramBetween(
  before: ValueHistogram | undefined,
  after: ValueHistogram | undefined,
): Histogram {
  const histogram = new Histogram(after?.bucketsPerDoubling || BUCKETS_DEFAULT);
  const old = new Map<number, number>();
  before?.indexes.forEach((index, i) => old.set(index, before.counts[i] ?? 0));
  after?.indexes.forEach((index, i) => {
    const count = (after.counts[i] ?? 0) - (old.get(index) ?? 0);
    if (count > 0) histogram.recordBucket({ index, count });
  });
  return histogram;
}

function shardsBetween(
  before: GetMetricsResponse,
  after: GetMetricsResponse,
  perSecond: (count: number) => number,
): Map<ShardId, ShardRates> {
  const old = new Map(before.shards.map((counts) => [counts.shard, counts]));
  return new Map(after.shards.map(({ shard, reads, writes }) => {
    const { reads: readsBefore = 0, writes: writesBefore = 0 } = old.get(shard) ?? {};
    const rates = {
      reads: perSecond(reads - readsBefore),
      writes: perSecond(writes - writesBefore),
    };
    return [shard, rates];
  }));
}
