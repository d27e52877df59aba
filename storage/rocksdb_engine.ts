/** The engine of servers: RocksDB behind a wrapper that is strict where the binding is not. */
import { asBuffer } from "../runtime/buffers.ts";
import { invariant } from "../runtime/invariant.ts";
import { CallGate } from "./call_gate.ts";
import {
  type Engine,
  type EngineIterator,
  type EngineStats,
  type KeyRange,
  type KeyValue,
  type ScanOptions,
  type Write,
  type WriteOptions,
} from "./engine.ts";
import { passingKey } from "./full_key.ts";
import { FileJournal } from "./journal/file_journal.ts";
import { assertKey, assertWritableKey } from "./key_checks.ts";
import { damageOf, isSealed, seal, unseal } from "./record_checksum.ts";
import {
  type NativeBatch,
  type NativeCallback,
  type NativeDatabase,
  promised,
} from "./rocksdb_binding.ts";
import { isNotFound, toEngineError } from "./rocksdb_errors.ts";
import { RocksdbIterator, type RocksdbRangeOptions } from "./rocksdb_iterator.ts";
import { openNative, type RocksdbOptions } from "./rocksdb_open.ts";
import { MARK_RANGE, MarkScan, type MarkSpan, WriteMarks } from "./write_marks.ts";
import { WriteQueue } from "./write_queue.ts";

/**
 * Keys of one `getMany` from which on two threads share the work. With fewer
 * the hop to a second thread costs what it gains.
 */
const SPLIT_KEYS_MIN = 128;

/** Pairs a range is cleared by at a time, so that other writes come in between. */
const CLEAR_PAIRS_MAX = 1_024;

/** Marks read at a time on opening. */
const MARKS_READ_MAX = 4_096;

/** RocksDB's figures for status pages; "rocksdb." goes before each. */
const PROPERTY_NAMES = [
  "estimate-num-keys",
  "num-files-at-level0",
  "cur-size-all-mem-tables",
  "total-sst-files-size",
  "estimate-live-data-size",
  "estimate-pending-compaction-bytes",
  "block-cache-usage",
  "num-snapshots",
  "num-running-compactions",
  "num-running-flushes",
  "actual-delayed-write-rate",
  "is-write-stopped",
  "background-errors",
] as const;

/** Counts all entries in memory tables: the active one first, see `#entriesInMemory`. */
const MEMORY_TABLE_PROPERTIES = [
  "num-entries-active-mem-table",
  "num-entries-imm-mem-tables",
] as const;

/** What {@linkcode RocksdbEngine.open} makes an engine of. */
export interface OpenDatabase {
  readonly path: string;
  readonly database: NativeDatabase;
  /** The marks it held; undefined if there were none. */
  readonly marks: MarkSpan | undefined;
  readonly journal: FileJournal;
}

/** A RocksDB database; one process at a time may have a directory open. */
export class RocksdbEngine implements Engine {
  /** The database's directory. */
  readonly path: string;
  readonly journal: FileJournal;
  readonly #database: NativeDatabase;
  readonly #marks: WriteMarks;
  readonly #gate: CallGate;
  readonly #queue = new WriteQueue((batches, sync) => this.#commit(batches, sync));
  readonly #iterators = new Set<RocksdbIterator>();
  #closing: Promise<void> | undefined;

  /** Use {@linkcode RocksdbEngine.open}. */
  constructor({ path, database, marks, journal }: OpenDatabase) {
    this.path = path;
    this.journal = journal;
    this.#database = database;
    this.#marks = new WriteMarks(marks, this.#entriesInMemory());
    this.#gate = new CallGate(`the database '${path}'`);
  }

  /**
   * Opens the database in a directory, and its journal in `journal` there,
   * creating them and their parents if need be.
   *
   * @throws {EngineError} Of kind "locked" if it is open already, "corruption"
   * if it is damaged (a hole in the write-ahead log included), or else by cause
   */
  static async open(path: string, options: RocksdbOptions = {}): Promise<RocksdbEngine> {
    const database = await openNative(path, options);
    try {
      const marks = await readMarks(path, database);
      const journal = await FileJournal.open(`${path}/journal`);
      return new RocksdbEngine({ path, database, marks, journal });
    } catch (error) {
      await promised<void>((callback) => database.close(callback));
      throw error;
    }
  }

  get(key: Uint8Array): Promise<Buffer | undefined> {
    return this.#gate.run(() => {
      assertKey(key);
      return this.#get(asBuffer(key));
    });
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    return this.#gate.run(() => {
      // The binding would leave an empty key out of its answer.
      keys.forEach(assertKey);
      return this.#getManySplit(keys.map(asBuffer));
    });
  }

  write(batch: readonly Write[], { sync }: WriteOptions): Promise<void> {
    return this.#gate.run(() => {
      for (const { prefix, key } of batch) assertWritableKey(prefix ?? key);
      return this.#queue.push(batch, sync);
    });
  }

  scan(range: KeyRange, options: ScanOptions = {}): Promise<KeyValue[]> {
    const { limit = Infinity, reverse = false, checksAbove = false } = options;
    return this.#gate.run(async () => {
      if (limit < 1) return [];
      const iterator = this.#openIterator(range, { reverse, limit, checksAbove });
      try {
        return await iterator.next(limit);
      } finally {
        await this.#closeIterator(iterator);
      }
    });
  }

  iterate(range: KeyRange): EngineIterator {
    this.#gate.assertOpen();
    const iterator = this.#openIterator(range, {});
    return {
      next: (limit) => this.#gate.run(() => iterator.next(limit)),
      close: () => this.#closeIterator(iterator),
    };
  }

  async clearRange(range: KeyRange): Promise<void> {
    // Through our own queue and not the binding's clear(): that one blocks
    // closing, leaves no marks and is not in order with other writes.
    this.#gate.assertOpen();
    const iterator = this.#openIterator(range, { values: false });
    try {
      while (true) {
        const pairs = await this.#gate.run(() => iterator.next(CLEAR_PAIRS_MAX));
        if (pairs.length === 0) return;
        await this.write(pairs.map(({ key }) => ({ type: "del", key })), { sync: false });
      }
    } finally {
      await this.#closeIterator(iterator);
    }
  }

  stats(): EngineStats {
    this.#gate.assertOpen();
    const properties: Record<string, number> = {};
    for (const name of PROPERTY_NAMES) properties[name] = this.#property(name);
    const storageBytes = this.#property("total-sst-files-size") +
      this.#property("cur-size-all-mem-tables") + this.journal.bytes;
    return { storageBytes, properties };
  }

  close(): Promise<void> {
    return this.#closing ??= this.#shutDown();
  }

  async #shutDown(): Promise<void> {
    await Promise.all([this.#gate.close(), this.journal.close()]);
    await Promise.all([...this.#iterators].map((iterator) => this.#closeIterator(iterator)));
    await this.#call<void>("close", (callback) => this.#database.close(callback));
  }

  async #commit(batches: readonly (readonly Write[])[], sync: boolean): Promise<void> {
    // Here nothing is being written, so that the two counts fit together.
    if (this.#marks.checkDue) this.#marks.forgetFlushed(this.#entriesInMemory());
    const native = this.#database.batch();
    let changes = 0;
    for (const batch of batches) {
      for (const write of batch) addTo(native, write);
      changes += batch.length;
    }
    this.#marks.addTo(native, changes);
    await this.#call<void>("write to", (callback) => native.write({ sync }, callback));
  }

  #entriesInMemory(): number {
    let entries = 0;
    // The active table first: one that is full moves from active to immutable,
    // and so may be counted twice but never missed.
    for (const name of MEMORY_TABLE_PROPERTIES) entries += this.#property(name);
    return entries;
  }

  #property(name: string): number {
    const text = this.#database.getProperty(`rocksdb.${name}`);
    invariant(/^\d+$/.test(text), () => `RocksDB's property '${name}' is not a number: '${text}'`);
    return Number(text);
  }

  async #get(key: Buffer): Promise<Buffer | undefined> {
    try {
      const stored = await promised<Buffer>((callback) => this.#database.get(key, callback));
      return this.#valueIn(key, stored);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw toEngineError("read from", this.path, error);
    }
  }

  /** @throws {Error} In RocksDB's words, if the record is damaged */
  #valueIn(key: Buffer, stored: Buffer): Buffer {
    if (!isSealed(key)) return stored;
    const value = unseal(key, stored);
    if (value === undefined) throw damageOf(key);
    return value;
  }

  async #getManySplit(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    if (keys.length < SPLIT_KEYS_MIN) return await this.#getMany(keys);
    const half = keys.length >>> 1;
    const [first, second] = await Promise.all([
      this.#getMany(keys.slice(0, half)),
      this.#getMany(keys.slice(half)),
    ]);
    return first.concat(second);
  }

  async #getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    try {
      const stored = await promised<(Buffer | undefined)[]>((callback) =>
        this.#database.getMany(keys, callback)
      );
      return stored.map((value, i) => value && this.#valueIn(keys[i] as Buffer, value));
    } catch (error) {
      throw toEngineError("read from", this.path, error);
    }
  }

  #openIterator(range: KeyRange, options: RocksdbRangeOptions): RocksdbIterator {
    const toError = (cause: unknown) => toEngineError("read from", this.path, cause);
    const iterator = new RocksdbIterator(this.#database, range, { ...options, toError });
    this.#iterators.add(iterator);
    return iterator;
  }

  async #closeIterator(iterator: RocksdbIterator): Promise<void> {
    await iterator.close();
    this.#iterators.delete(iterator);
  }

  async #call<T>(action: string, call: (callback: NativeCallback<T>) => void): Promise<T> {
    try {
      return await promised(call);
    } catch (error) {
      throw toEngineError(action, this.path, error);
    }
  }
}

function addTo(native: NativeBatch, write: Write): void {
  const key = passingKey(write);
  if (write.type === "del") native.del(key);
  else native.put(key, isSealed(key) ? seal(key, write.value) : asBuffer(write.value));
}

async function readMarks(path: string, database: NativeDatabase): Promise<MarkSpan | undefined> {
  const toError = (cause: unknown) => toEngineError("open", path, cause);
  const options = { marks: true, values: false, toError };
  const iterator = new RocksdbIterator(database, MARK_RANGE, options);
  const scan = new MarkScan(path);
  try {
    while (true) {
      const marks = await iterator.next(MARKS_READ_MAX);
      if (marks.length === 0) return scan.finish();
      for (const { key } of marks) scan.add(key);
    }
  } finally {
    await iterator.close();
  }
}
