/** What a server counts and times of its clients' requests, from its start on. */
import { METRIC_BUCKETS_PER_DOUBLING } from "../raft/node/raft_metrics.ts";
import type { Clock } from "../runtime/clock.ts";
import { Histogram } from "../runtime/histogram.ts";

const US_PER_MS = 1_000;

/** What one request came to. */
export interface Answered {
  /** Keys read. */
  readonly reads: number;
  readonly writes: number;
  /** Of both, those that were answered by an error. */
  readonly failures: number;
}

export const ONE_READ: Answered = { reads: 1, writes: 0, failures: 0 };
export const ONE_WRITE: Answered = { reads: 0, writes: 1, failures: 0 };

export class RequestMetrics {
  /** In microseconds, each read of a batch by itself; its count is that of all reads. */
  readonly reads: Histogram = new Histogram(METRIC_BUCKETS_PER_DOUBLING);
  /** The same of writes. */
  readonly writes: Histogram = new Histogram(METRIC_BUCKETS_PER_DOUBLING);
  readonly #clock: Clock;
  #failures = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get failures(): number {
    return this.#failures;
  }

  /**
   * Times an answer and counts what is in it, without delaying it.
   *
   * @param commands What a failure of the whole counts as
   */
  watch<Response>(
    answer: () => Promise<Response>,
    commands: number,
    count: (response: Response) => Answered,
  ): Promise<Response> {
    const startedAt = this.#clock.now();
    const answering = answer();
    answering.then((response) => this.#answered(startedAt, count(response)), () => {
      this.#failures += commands;
    });
    return answering;
  }

  #answered(startedAt: number, { reads, writes, failures }: Answered): void {
    const us = (this.#clock.now() - startedAt) * US_PER_MS;
    if (reads > 0) this.reads.record(us, reads);
    if (writes > 0) this.writes.record(us, writes);
    this.#failures += failures;
  }
}
