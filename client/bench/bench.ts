/** Load on a cluster: requests of many concurrent callers, and how long they took. */
import { KvError } from "../../rpc/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { Histogram } from "../../runtime/histogram.ts";
import type { Prng } from "../../runtime/prng.ts";
import type { KvClerk } from "../kv_clerk.ts";
import { BenchData } from "./bench_data.ts";
import { ClosedLoop, OpenLoop, type Schedule } from "./bench_schedule.ts";

export const BENCH_MODES = ["put", "get", "append", "mixed", "scan"] as const;
export type BenchMode = typeof BENCH_MODES[number];

/** Number of keys where the mode needs a fixed set and none is given. */
const BENCH_KEYS_DEFAULT = 10_000;
/** Keys that one request of mode `scan` asks for, from any key on. */
const BENCH_SCAN_KEYS = 100;
/** Keys of one `putMany` before the run: as many as are worth having in memory at once. */
const LOAD_KEYS = 10_000;
/**
 * The run is given up after as many failures in a row as there are callers, and
 * this many more: the cluster is gone then.
 */
const SPARE_FAILURES = 2;
/** Drawn from to choose reads and writes: exact to a thousandth of a per cent. */
const RATIO_STEPS = 100_000;

/** What load to make. */
export interface BenchLoad {
  /** Requests of all callers together; undefined: as many as the duration allows. */
  readonly requests: number | undefined;
  /** Milliseconds after which no request begins; undefined: when the requests are done. */
  readonly durationMs: number | undefined;
  /** Requests per second, whatever the answers take; undefined: callers wait for their answers. */
  readonly ratePerSecond: number | undefined;
  readonly clients: number;
  readonly mode: BenchMode;
  /** Of mode `mixed`: the part of the requests that read, 0 to 1. */
  readonly readRatio: number;
  /** Bytes of each value; undefined: a short text. */
  readonly valueBytes: number | undefined;
  /** Number of different keys; undefined: every put has its own. */
  readonly keys: number | undefined;
}

export interface BenchOptions extends BenchLoad {
  readonly clerk: KvClerk;
  readonly clock: Clock;
  readonly prng: Prng;
  /** Told as the first caller goes on. */
  readonly onProgress?: (done: number) => void;
  /** Told of each put that was acknowledged. */
  readonly onAcknowledged?: (key: string, value: string) => void;
}

/** Of the successful requests, in milliseconds; NaN if there were none. */
export interface BenchLatency {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface BenchResult {
  readonly successful: number;
  readonly failed: number;
  readonly durationMs: number;
  readonly latencyMs: BenchLatency;
  readonly firstError: KvError | undefined;
}

/** One run: `load`, then `run`, each once. */
export class Bench {
  readonly #options: BenchOptions;
  readonly #data: BenchData;
  /** In microseconds. */
  readonly #latencies = new Histogram();
  #failed = 0;
  #failedInRow = 0;
  #firstError: KvError | undefined;
  #schedule: Schedule | undefined;
  #isEnded = false;

  constructor(options: BenchOptions) {
    const { prng, valueBytes, keys = BENCH_KEYS_DEFAULT } = options;
    this.#options = options;
    this.#data = new BenchData({ prng, keys, valueBytes });
  }

  /** Requests that have ended, well or not. */
  get done(): number {
    return this.#latencies.count + this.#failed;
  }

  /** Lets the requests under way finish and begins no other. */
  end(): void {
    this.#isEnded = true;
    this.#schedule?.end();
  }

  /**
   * Writes the keys that the mode reads, uncounted.
   *
   * @throws {KvError} When they cannot be written
   */
  async load(): Promise<void> {
    const { clerk, mode } = this.#options;
    if (mode === "put" || mode === "append") return;
    for (const entries of this.#data.chunks(LOAD_KEYS)) {
      if (this.#isEnded) return;
      await clerk.putMany(entries);
    }
  }

  /** Runs the load; requests that fail are counted. */
  async run(): Promise<BenchResult> {
    const { clients, clock } = this.#options;
    const start = clock.now();
    const schedule = this.#schedule = scheduleOf(this.#options);
    if (this.#isEnded) schedule.end();
    await Promise.all(
      Array.from({ length: clients }, (_, client) => this.#client(client, schedule)),
    );
    const successful = this.#latencies.count;
    const isCutShort = this.#isHopeless && schedule.requests !== Infinity;
    return {
      successful,
      failed: isCutShort ? schedule.requests - successful : this.#failed,
      durationMs: clock.now() - start,
      latencyMs: latencyOf(this.#latencies),
      firstError: this.#firstError,
    };
  }

  /** One caller: one request after the other. */
  async #client(client: number, schedule: Schedule): Promise<void> {
    const { onProgress } = this.#options;
    for (let i = 0; !this.#isHopeless; i++) {
      const next = schedule.next(client);
      const due = typeof next === "object" ? await next : next;
      if (due === undefined) return;
      await this.#request(client, i, due);
      if (client === 0 && (i + 1) % 100 === 0) onProgress?.(i + 1);
    }
  }

  get #isHopeless(): boolean {
    return this.#failedInRow >= this.#options.clients + SPARE_FAILURES;
  }

  async #request(client: number, i: number, due: number): Promise<void> {
    const { clock } = this.#options;
    try {
      await this.#execute(client, i);
      this.#latencies.record((clock.now() - due) * 1_000);
      this.#failedInRow = 0;
    } catch (error) {
      this.#firstError ??= KvError.from(error);
      this.#failed++;
      this.#failedInRow++;
    }
  }

  /** Hands out the clerk's own promise where it can: a further one is a part of what a call costs. */
  #execute(client: number, i: number): Promise<unknown> {
    const { clerk, mode, keys, onAcknowledged } = this.#options;
    const kind = mode === "mixed" ? this.#readOrWrite() : mode;
    const isFixed = mode !== "put" || keys !== undefined;
    const key = isFixed ? this.#data.anyKey() : this.#data.freshKey(client, i);
    if (kind === "get") return clerk.get(key);
    if (kind === "scan") return scan(clerk, key);
    const value = this.#data.value(client, i);
    if (kind === "append") return clerk.append(key, value);
    const done = clerk.put(key, value);
    return onAcknowledged === undefined ? done : done.then(() => onAcknowledged(key, value));
  }

  #readOrWrite(): "get" | "put" {
    const { prng, readRatio } = this.#options;
    return prng.below(RATIO_STEPS) < readRatio * RATIO_STEPS ? "get" : "put";
  }
}

function scheduleOf({ clock, clients, ratePerSecond, ...load }: BenchOptions): Schedule {
  const { requests = Infinity, durationMs = Infinity } = load;
  if (ratePerSecond === undefined) return new ClosedLoop({ clock, clients, requests, durationMs });
  const due = Math.ceil(ratePerSecond * durationMs / 1_000);
  return new OpenLoop({ clock, ratePerSecond, requests: Math.min(requests, due) });
}

async function scan(clerk: KvClerk, start: string): Promise<void> {
  const entries = clerk.scan({ start, limit: BENCH_SCAN_KEYS });
  for await (const _ of entries);
}

function latencyOf(us: Histogram): BenchLatency {
  const percentile = (percent: number) => us.percentile(percent) / 1_000;
  return {
    mean: us.mean / 1_000,
    p50: percentile(50),
    p90: percentile(90),
    p99: percentile(99),
    p999: percentile(99.9),
    max: us.count === 0 ? NaN : us.max / 1_000,
  };
}
