/** Walks the user keys of one shard in order, a slice at a time. */
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { SCAN_READ_PAIRS_MIN, SCAN_SLICE_PAIRS_MAX } from "../limits.ts";
import { type Stay, userKeyOf, userRange } from "../machine/machine_keys.ts";

export interface ShardCursorOptions {
  readonly reader: MachineReader;
  readonly shard: Stay;
  /** Inclusive. */
  readonly start: Uint8Array;
  /** Exclusive; undefined: to the last key. */
  readonly end: Uint8Array | undefined;
  /** Pairs the caller expects to take. */
  readonly wanted: number;
  /** Bytes at which a slice is large enough; the read that reaches them is its last. */
  readonly bytesMax: number;
  /** Values are not kept. */
  readonly keysOnly: boolean;
}

interface Pair {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** From a read of small pairs to the next: three reads for what a page takes of one of 64 shards. */
const READ_GROWTH = 4;
const NO_BYTES = Buffer.alloc(0);

export class ShardCursor {
  readonly #reader: MachineReader;
  readonly #end: Buffer;
  readonly #slicePairs: number;
  readonly #bytesMax: number;
  readonly #keysOnly: boolean;
  /** Pairs to read next: few at first, nothing is known of their size. */
  #readPairs = SCAN_READ_PAIRS_MIN;
  #start: Buffer;
  #slice: readonly Pair[] = [];
  #at = 0;
  #ended = false;

  constructor({ reader, shard, start, end, wanted, bytesMax, keysOnly }: ShardCursorOptions) {
    const range = userRange(shard, start, end);
    this.#reader = reader;
    this.#start = range.start;
    this.#end = range.end;
    this.#slicePairs = Math.min(wanted, SCAN_SLICE_PAIRS_MAX);
    this.#bytesMax = bytesMax;
    this.#keysOnly = keysOnly;
  }

  /** The pair the cursor stands on; undefined past the last. Keys are the user's. */
  get head(): Pair | undefined {
    return this.#slice[this.#at];
  }

  /**
   * Steps to the next pair.
   *
   * @returns False if the slice is used up: `fill` must be called
   */
  advance(): boolean {
    this.#at++;
    return this.#at < this.#slice.length || this.#ended;
  }

  /** Reads the next slice, of few pairs if they are large. */
  async fill(): Promise<void> {
    const slice: Pair[] = [];
    let bytes = 0;
    while (!this.#ended && slice.length < this.#slicePairs && bytes < this.#bytesMax) {
      const pairs = await this.#read(Math.min(this.#readPairs, this.#slicePairs - slice.length));
      bytes += bytesOf(pairs);
      slice.push(...pairs);
    }
    this.#at = 0;
    this.#slice = slice;
  }

  async #read(limit: number): Promise<Pair[]> {
    if (this.#start.compare(this.#end) >= 0) {
      this.#ended = true;
      return [];
    }
    const pairs = await this.#reader.scan(this.#start, this.#end, { limit });
    this.#ended = pairs.length < limit;
    const last = pairs.at(-1);
    if (last !== undefined) this.#start = Buffer.concat([last.key, Buffer.of(0)]);
    // An average of the whole shard would say nothing: large values may stand side by side.
    const fitting = Math.floor(this.#bytesMax * pairs.length / Math.max(bytesOf(pairs), 1));
    this.#readPairs = Math.max(1, Math.min(READ_GROWTH * this.#readPairs, fitting));
    // Values are read even if only keys are wanted: it is with them that damage is found.
    return pairs.map(({ key, value }) => ({
      key: userKeyOf(key),
      value: this.#keysOnly ? NO_BYTES : value,
    }));
  }
}

function bytesOf(pairs: readonly Pair[]): number {
  return pairs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}
