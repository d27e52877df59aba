/** Iterators over the binding's ones: many pairs per call, always with both bounds. */
import { asBuffer } from "../runtime/buffers.ts";
import { invariant } from "../runtime/invariant.ts";
import { BlockProbes } from "./block_probes.ts";
import { EngineClosedError, type EngineIterator, type KeyRange, type KeyValue } from "./engine.ts";
import { MARK_REGION } from "./key_space.ts";
import { damageOf, isSealed, unseal } from "./record_checksum.ts";
import {
  type NativeDatabase,
  type NativeIterator,
  type NativeIteratorOptions,
  promised,
} from "./rocksdb_binding.ts";

/**
 * Bytes the binding reads ahead in one go: a snapshot chunk's worth, so that
 * few hops between threads are needed, and little enough to be thrown away.
 */
const READ_AHEAD_BYTES = 256 * 1024;

export interface RocksdbRangeOptions {
  readonly reverse?: boolean;
  /** False leaves all values empty and unread. @default {true} */
  readonly values?: boolean;
  /** See `ScanOptions`. @default {false} */
  readonly checksAbove?: boolean;
  /** Shows the engine's own marks too. @default {false} */
  readonly marks?: boolean;
  /** Pairs that will be asked for in all: nothing is read ahead past them. @default {Infinity} */
  readonly limit?: number;
}

export interface RocksdbIteratorOptions extends RocksdbRangeOptions {
  /** Makes the error to throw of one of the binding. */
  readonly toError: (cause: unknown) => Error;
}

/** A view of one range. */
export class RocksdbIterator implements EngineIterator {
  readonly #native: NativeIterator | undefined;
  /** True if pairs in between belong to the engine itself. */
  readonly #hidesMarks: boolean;
  readonly #hasValues: boolean;
  readonly #toError: (cause: unknown) => Error;
  readonly #start: Buffer;
  #reading = false;
  /** Something was read ahead. */
  #holdsPairs = false;
  readonly #probes: BlockProbes | undefined;
  /** The key above the range is to be looked at, and was not yet. */
  #checksAbove: boolean;
  #ended: Promise<void> | undefined;

  constructor(database: NativeDatabase, range: KeyRange, options: RocksdbIteratorOptions) {
    const gte = asBuffer(range.start);
    const lt = asBuffer(range.end);
    this.#start = options.reverse ? lt : gte;
    this.#hasValues = options.values ?? true;
    this.#checksAbove = options.checksAbove ?? false;
    this.#toError = options.toError;
    this.#hidesMarks = !options.marks && (gte[0] ?? 0) <= MARK_REGION &&
      (lt[0] ?? 0) >= MARK_REGION;
    // The binding takes an empty bound for none at all.
    if (Buffer.compare(gte, lt) >= 0) return;
    const native: NativeIteratorOptions = {
      gte,
      lt,
      reverse: options.reverse ?? false,
      values: this.#hasValues,
      // Marks in between count for the binding, but not for the caller.
      limit: options.limit === undefined || options.limit === Infinity || this.#hidesMarks
        ? -1
        : options.limit,
      highWaterMark: READ_AHEAD_BYTES,
    };
    this.#native = database.iterator(native);
    // Who does not want the values does not want to know either: what is damaged can be cleared.
    if (this.#hasValues) this.#probes = new BlockProbes(database, lt);
  }

  async next(limit: number): Promise<KeyValue[]> {
    invariant(limit >= 1, () => `An iterator cannot return ${limit} pairs: it must be 1 or more`);
    invariant(!this.#reading, "Calls of an iterator's next() must not overlap");
    if (this.#ended) throw new EngineClosedError("Cannot use an iterator: it is closed");
    this.#reading = true;
    try {
      const pairs = await this.#collect(limit);
      await this.#verify(pairs);
      return pairs;
    } finally {
      this.#reading = false;
    }
  }

  close(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #end(): Promise<void> {
    const native = this.#native;
    if (!native) return;
    if (this.#holdsPairs && !this.#reading) await this.#dropReadAhead(native);
    await promised<void>((callback) => native.end(callback));
  }

  /**
   * The binding keeps a copy of what it last read ahead until the garbage
   * collector comes by, and the collector knows nothing of it: some hundred
   * megabytes after scans of a million keys. Reading anew from a seek drops it.
   */
  async #dropReadAhead(native: NativeIterator): Promise<void> {
    native.seek(this.#start);
    // What it reads is of no interest, and neither is why it could not.
    await this.#fetch(native).catch(() => {});
  }

  async #collect(limit: number): Promise<KeyValue[]> {
    const pairs: KeyValue[] = [];
    while (pairs.length < limit && this.#native) {
      this.#drain(this.#native, pairs, limit);
      if (pairs.length >= limit) break;
      // Closed while it reads: that is nobody's failure.
      if (this.#ended) throw new EngineClosedError("Cannot use an iterator: it is closed");
      const pair = await this.#fetch(this.#native);
      if (!pair) break;
      this.#holdsPairs = true;
      this.#add(pairs, pair);
    }
    return pairs;
  }

  async #verify(pairs: readonly KeyValue[]): Promise<void> {
    const probes = this.#probes;
    if (probes === undefined) return;
    try {
      const above = this.#checksAbove ? await probes.keyAbove() : undefined;
      this.#checksAbove = false;
      await probes.verify(pairs, above);
    } catch (cause) {
      throw this.#toError(cause);
    }
  }

  /** Takes from what was read ahead, without a turn of the event loop for each pair. */
  #drain({ cache }: NativeIterator, pairs: KeyValue[], limit: number): void {
    while (cache && pairs.length < limit) {
      const key = cache.pop();
      const value = cache.pop();
      if (!key || !value) return;
      this.#add(pairs, { key, value });
    }
  }

  /** The next pair, and more into the cache. */
  #fetch(native: NativeIterator): Promise<KeyValue | undefined> {
    return new Promise((resolve, reject) => {
      native.next((error, key, value) => {
        if (error) reject(this.#toError(error));
        else resolve(key && value && { key, value });
      });
    });
  }

  #add(pairs: KeyValue[], pair: KeyValue): void {
    const { key } = pair;
    if (this.#hidesMarks && key[0] === MARK_REGION) return;
    if (!this.#hasValues || !isSealed(key)) return void pairs.push(pair);
    const value = unseal(key, pair.value);
    if (value === undefined) throw this.#toError(damageOf(key));
    pairs.push({ key, value });
  }
}
