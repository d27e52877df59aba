/** A cluster under test, ours or another, as the comparison sees it. */
import type { Operation } from "./measurement.ts";
import type { UnaryTarget } from "./h2load.ts";

/** What came of a stretch of load. */
export interface Drive {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Three replicas that sync to disk on a majority before they acknowledge. */
export interface SystemUnderTest extends AsyncDisposable {
  /** Name and version, for the reader. */
  readonly title: string;
  /** Every server process. */
  readonly pids: readonly number[];
  /** Writes the keys that everything else reads and overwrites. */
  load(): Promise<void>;
  /**
   * Keeps so many callers busy through the system's own client path.
   *
   * @throws {Error} When a request fails
   */
  drive(operation: Operation, callers: number, durationMs: number): Promise<Drive>;
  /** Where and what the load tool sends. */
  unary(operation: Operation): UnaryTarget;
}

/** What systems are made of. */
export interface SystemOptions {
  /** Parent of the directory with the data. */
  readonly directory: string | undefined;
  readonly keys: number;
  readonly valueBytes: number;
}
