/** Load on a cluster: so many requests by so many concurrent callers, and how long they took. */
import type { Clock } from "../runtime/clock.ts";
import type { Prng } from "../runtime/prng.ts";
import { KvError } from "../rpc/errors.ts";
import { Histogram } from "../runtime/histogram.ts";
import type { KvClerk } from "./kv_clerk.ts";

export const benchModes = ["put", "get", "append", "mixed"] as const;
export type BenchMode = typeof benchModes[number];

/** Number of keys where the mode needs a fixed set and none is given. */
export const benchKeysDefault = 10_000;
/** The callers give up together once each has failed and two more have: the cluster is gone. */
const spareFailures = 2;
/** Bytes of text that random values are cut from. */
const poolBytes = 1 << 21;

export interface BenchOptions {
  readonly clerk: KvClerk;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly requests: number;
  readonly clients: number;
  readonly mode: BenchMode;
  /** Bytes of each value; undefined: a short text. */
  readonly valueBytes: number | undefined;
  /** Number of different keys; undefined: every put has its own. */
  readonly keys: number | undefined;
  /** Told as the first caller goes on. */
  readonly onProgress?: (done: number) => void;
  /** Told of each put that was acknowledged. */
  readonly onAcknowledged?: (key: string, value: string) => void;
}

export interface BenchResult {
  readonly successful: number;
  readonly failed: number;
  readonly durationMs: number;
  /** Of the successful requests, in milliseconds. */
  readonly latencyMs: {
    readonly mean: number;
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
  readonly firstError: KvError | undefined;
}

/**
 * Runs the load; first writes the keys that `get` and `mixed` read, uncounted.
 *
 * @throws {KvError} When those keys cannot be written
 */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const bench = new Bench(options);
  await bench.load();
  return await bench.run();
}

class Bench {
  readonly #options: BenchOptions;
  readonly #keys: number;
  readonly #pool: string;
  /** In microseconds. */
  readonly #latencies = new Histogram();
  #failed = 0;
  #failedInRow = 0;
  #firstError: KvError | undefined;

  constructor(options: BenchOptions) {
    this.#options = options;
    this.#keys = options.keys ?? benchKeysDefault;
    this.#pool = options.valueBytes === undefined ? "" : randomText(options.prng);
  }

  async load(): Promise<void> {
    const { clerk, mode } = this.#options;
    if (mode !== "get" && mode !== "mixed") return;
    const keys = Array.from({ length: this.#keys }, (_, number) => fixedKey(number));
    await clerk.putMany(keys.map((key, number) => [key, this.#value(0, number)]));
  }

  async run(): Promise<BenchResult> {
    const { clients, clock } = this.#options;
    const start = clock.now();
    await Promise.all(Array.from({ length: clients }, (_, client) => this.#client(client)));
    const us = this.#latencies;
    const percentile = (percent: number) => us.percentile(percent) / 1_000;
    return {
      successful: us.count,
      failed: this.#failed,
      durationMs: clock.now() - start,
      latencyMs: {
        mean: us.mean / 1_000,
        p50: percentile(50),
        p90: percentile(90),
        p99: percentile(99),
        max: us.max / 1_000,
      },
      firstError: this.#firstError,
    };
  }

  /** One caller: one request after the other. */
  async #client(client: number): Promise<void> {
    const { requests, clients, onProgress } = this.#options;
    const share = Math.floor(requests / clients) + (client < requests % clients ? 1 : 0);
    for (let i = 0; i < share; i++) {
      if (this.#failedInRow >= clients + spareFailures) {
        this.#failed += share - i;
        return;
      }
      await this.#request(client, i);
      if (client === 0 && (i + 1) % 100 === 0) onProgress?.(i + 1);
    }
  }

  async #request(client: number, i: number): Promise<void> {
    const { clock } = this.#options;
    const start = clock.now();
    try {
      await this.#execute(client, i);
      this.#latencies.record((clock.now() - start) * 1_000);
      this.#failedInRow = 0;
    } catch (error) {
      this.#firstError ??= KvError.from(error);
      this.#failed++;
      this.#failedInRow++;
    }
  }

  async #execute(client: number, i: number): Promise<void> {
    const { clerk, mode, prng, keys, onAcknowledged } = this.#options;
    const kind = mode === "mixed" ? (prng.below(2) === 0 ? "get" : "put") : mode;
    const isFixed = mode !== "put" || keys !== undefined;
    const key = isFixed ? fixedKey(prng.below(this.#keys)) : this.#freshKey(client, i);
    if (kind === "get") return void await clerk.get(key);
    const value = this.#value(client, i);
    if (kind === "append") return await clerk.append(key, value);
    await clerk.put(key, value);
    onAcknowledged?.(key, value);
  }

  /** As eRaft's: a first letter that spreads the keys over its shards, then caller and count. */
  #freshKey(client: number, i: number): string {
    const letter = String.fromCharCode(97 + this.#options.prng.below(26));
    return `${letter}-key-${client}-${i}-${this.#random()}`;
  }

  #value(client: number, i: number): string {
    const { valueBytes, prng } = this.#options;
    if (valueBytes === undefined) return `value-${client}-${i}-${this.#random()}`;
    const start = prng.below(poolBytes - valueBytes + 1);
    return this.#pool.slice(start, start + valueBytes);
  }

  #random(): string {
    const { prng } = this.#options;
    return `${prng.below(2 ** 31)}${prng.below(2 ** 31)}`;
  }
}

function fixedKey(number: number): string {
  return `bench-key-${String(number).padStart(8, "0")}`;
}

/** ASCII, so that characters are bytes. */
function randomText(prng: Prng): string {
  const bytes = Buffer.alloc(poolBytes);
  for (let i = 0; i < poolBytes; i++) bytes[i] = 33 + prng.below(94);
  return bytes.toString("latin1");
}
