/** The keys and values of a benchmark. */
import type { Prng } from "../../runtime/prng.ts";

/** Bytes of text that random values are cut from. */
const POOL_BYTES = 1 << 21;

export interface BenchDataOptions {
  readonly prng: Prng;
  /** Number of fixed keys. */
  readonly keys: number;
  /** Bytes of each value; undefined: eRaft's short texts. */
  readonly valueBytes: number | undefined;
}

export class BenchData {
  readonly #options: BenchDataOptions;
  readonly #pool: string;

  constructor(options: BenchDataOptions) {
    this.#options = options;
    this.#pool = options.valueBytes === undefined ? "" : randomText(options.prng);
  }

  /** Every fixed key once, in order, with a value for it; at most `size` of them at a time. */
  *chunks(size: number): Iterable<(readonly [string, string])[]> {
    const { keys } = this.#options;
    for (let first = 0; first < keys; first += size) {
      yield Array.from(
        { length: Math.min(size, keys - first) },
        (_, i) => [fixedKey(first + i), this.value(0, first + i)] as const,
      );
    }
  }

  /** Any of the fixed keys. */
  anyKey(): string {
    const { prng, keys } = this.#options;
    return fixedKey(prng.below(keys));
  }

  /** As eRaft's: a first letter that spreads the keys over its shards, then caller and count. */
  freshKey(client: number, i: number): string {
    const letter = String.fromCharCode(97 + this.#options.prng.below(26));
    return `${letter}-key-${client}-${i}-${this.#random()}`;
  }

  value(client: number, i: number): string {
    const { valueBytes, prng } = this.#options;
    if (valueBytes === undefined) return `value-${client}-${i}-${this.#random()}`;
    const start = prng.below(POOL_BYTES - valueBytes + 1);
    return this.#pool.slice(start, start + valueBytes);
  }

  #random(): string {
    const { prng } = this.#options;
    return `${prng.below(2 ** 31)}${prng.below(2 ** 31)}`;
  }
}

/** 18 bytes for the first hundred million. */
function fixedKey(number: number): string {
  return `bench-key-${String(number).padStart(8, "0")}`;
}

/** ASCII, so that characters are bytes. */
function randomText(prng: Prng): string {
  const bytes = Buffer.alloc(POOL_BYTES);
  for (let i = 0; i < POOL_BYTES; i++) bytes[i] = 33 + prng.below(94);
  return bytes.toString("latin1");
}
