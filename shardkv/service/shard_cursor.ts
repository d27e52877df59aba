/** Walks the user keys of one shard in order, a slice at a time. */
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { SCAN_BYTES_MAX, SCAN_SLICE_PAIRS_MAX } from "../limits.ts";
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
  /** Bytes of an average pair of the shard: large ones are read in smaller slices. */
  readonly pairBytes: number;
}

interface Pair {
  readonly key: Buffer;
  readonly value: Buffer;
}

export class ShardCursor {
  readonly #reader: MachineReader;
  readonly #end: Buffer;
  readonly #slicePairs: number;
  #start: Buffer;
  #slice: readonly Pair[] = [];
  #at = 0;
  #ended = false;

  constructor({ reader, shard, start, end, wanted, pairBytes }: ShardCursorOptions) {
    const range = userRange(shard, start, end);
    this.#reader = reader;
    this.#start = range.start;
    this.#end = range.end;
    const fitting = Math.floor(SCAN_BYTES_MAX / Math.max(pairBytes, 1));
    this.#slicePairs = Math.max(1, Math.min(wanted, fitting, SCAN_SLICE_PAIRS_MAX));
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

  /** Reads the next slice. */
  async fill(): Promise<void> {
    this.#at = 0;
    this.#slice = [];
    if (this.#ended || this.#start.compare(this.#end) >= 0) return;
    const pairs = await this.#reader.scan(this.#start, this.#end, { limit: this.#slicePairs });
    const last = pairs.at(-1);
    this.#ended = pairs.length < this.#slicePairs;
    if (last !== undefined) this.#start = Buffer.concat([last.key, Buffer.of(0)]);
    this.#slice = pairs.map(({ key, value }) => ({ key: userKeyOf(key), value }));
  }
}
