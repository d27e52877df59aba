/**
 * The ordered key-value engine under every node, as a port: RocksDB for
 * servers, memory for tests and the simulator. Both pass the same conformance
 * suite (tests/conformance/engine_conformance.ts).
 */
import type { Journal } from "./journal/journal.ts";

/** One change of a batch. Keys are 1 byte or longer, values 0 or longer. */
export type Write =
  | (KeyOfWrite & { readonly type: "put"; readonly value: Uint8Array })
  | (KeyOfWrite & { readonly type: "del" });

interface KeyOfWrite {
  /** Stands before the key, 1 byte or longer: whoever has many keys under one need not copy them. */
  readonly prefix?: Uint8Array;
  readonly key: Uint8Array;
}

/** Keys from `start` (inclusive) to `end` (exclusive), in byte order. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface WriteOptions {
  /** True: resolves only when this batch and all before it survive a power cut. */
  readonly sync: boolean;
}

export interface ScanOptions {
  /** At most this many pairs. @default {Infinity} */
  readonly limit?: number;
  /** From the last key to the first. @default {false} */
  readonly reverse?: boolean;
  /**
   * Looks for damage at the next key above the range too, which may have hidden
   * records of the range, or all of them. Slow if many keys were removed there.
   *
   * @default {false}
   */
  readonly checksAbove?: boolean;
}

/** A view of one range as it was when the iterator was opened. Must be closed. */
export interface EngineIterator {
  /**
   * The next pairs in key order, at most `limit`; an empty array means the end.
   * Calls must not overlap.
   */
  next(limit: number): Promise<KeyValue[]>;
  /** Frees the view; safe to call again. */
  close(): Promise<void>;
}

export interface EngineStats {
  /** Bytes on disk in tables and in the journal, plus what memory tables will become. */
  readonly storageBytes: number;
  /** Engine-specific figures for status pages. */
  readonly properties: Readonly<Record<string, number>>;
}

/**
 * Contract:
 * - `write` calls take effect in the order they were made, each atomically.
 *   After a crash the surviving batches are a prefix of that order that holds
 *   at least everything up to the last acknowledged `sync` write.
 * - A read sees every write that was acknowledged before it began.
 * - Key and value arrays are not kept by the engine after a call resolves and
 *   must not be changed by the caller before; those returned belong to the caller.
 * - After `close()` every call rejects with {@linkcode EngineClosedError};
 *   `iterate` and `stats`, which return no promise, throw it. Only closing an
 *   iterator or the engine again is harmless.
 * - An empty key rejects with `RangeError`; so does writing into the region
 *   0x7f (see key_space.ts), which ranges that span it never show.
 * - Anything else that goes wrong rejects with {@linkcode EngineError}. After a
 *   failed write all later ones fail too, or order would be lost.
 */
export interface Engine {
  /** Lies in the same directory, and is opened and closed with the engine. */
  readonly journal: Journal;
  get(key: Uint8Array): Promise<Buffer | undefined>;
  /** Values in the order of the keys, not necessarily all of one moment. */
  getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]>;
  write(batch: readonly Write[], options: WriteOptions): Promise<void>;
  /** All pairs of a range that is known to be small. */
  scan(range: KeyRange, options?: ScanOptions): Promise<KeyValue[]>;
  iterate(range: KeyRange): EngineIterator;
  /**
   * Removes a range of any size, in the background of other calls, not
   * atomically. Keys written into the range meanwhile may or may not survive.
   */
  clearRange(range: KeyRange): Promise<void>;
  stats(): EngineStats;
  /**
   * Waits for calls under way, ends open iterators, gives up the directory's
   * lock; safe to call again.
   */
  close(): Promise<void>;
}

/** The engine was closed before or during the call. */
export class EngineClosedError extends Error {
  override readonly name = "EngineClosedError";
}

/** Why an engine failed; decides what the operator is told. */
export type EngineErrorKind = "corruption" | "diskFull" | "locked" | "io";

/** The engine could not do what was asked; the node must stop rather than go on. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly kind: EngineErrorKind;
  constructor(kind: EngineErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
