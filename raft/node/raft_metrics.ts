/** What a node measures of its own work, counted up from its start. */
import { Histogram } from "../../runtime/histogram.ts";

/** To within 6 per cent: times of a disk spread more than that from one to the next. */
export const METRIC_BUCKETS_PER_DOUBLING = 16;

const US_PER_MS = 1_000;

export class RaftMetrics {
  /** Of synced writes to the log, in microseconds. */
  readonly logSync: Histogram = new Histogram(METRIC_BUCKETS_PER_DOUBLING);
  /** How late ticks were, in microseconds. */
  readonly tickLag: Histogram = new Histogram(METRIC_BUCKETS_PER_DOUBLING);

  synced(ms: number): void {
    this.logSync.record(ms * US_PER_MS);
  }

  /** @param lateMs Negative for a tick that was early, as timers of a host may be */
  ticked(lateMs: number): void {
    this.tickLag.record(Math.max(0, lateMs) * US_PER_MS);
  }
}
