/** An engine in memory, for tests and the simulator; it forgets unsynced writes on a crash. */
import { asBuffer, copyBuffer } from "../runtime/buffers.ts";
import { invariant } from "../runtime/invariant.ts";
import type { Prng } from "../runtime/prng.ts";
import { CallGate } from "./call_gate.ts";
import {
  type Engine,
  EngineClosedError,
  type EngineIterator,
  type EngineStats,
  type KeyRange,
  type KeyValue,
  type ScanOptions,
  type Write,
  type WriteOptions,
} from "./engine.ts";
import { fullKey } from "./full_key.ts";
import type { JournalRecord } from "./journal/journal.ts";
import { MemoryJournal } from "./journal/memory_journal.ts";
import { assertKey, assertWritableKey } from "./key_checks.ts";
import { OrderedMap, type StoredPair } from "./ordered_map.ts";
import { WriteQueue } from "./write_queue.ts";

/** What an engine waits for: a read, a write to the page cache, a write to the disk. */
export type MemoryOperation = "read" | "write" | "sync";

export interface MemoryEngineOptions {
  /**
   * Called before each operation takes effect; the simulator's disk latency.
   * A rejection is the operation's failure. Without it results come with the
   * next microtasks.
   */
  readonly delay?: (operation: MemoryOperation) => Promise<void>;
}

/** Content of an engine, to be looked at and not changed. */
export interface StoredContent extends Pick<OrderedMap, "get" | "slice" | "size"> {
  /** Of its journal, oldest first. */
  readonly records: readonly JournalRecord[];
}

/**
 * Keeps everything in memory. Closing and {@linkcode MemoryEngine.reopen} act as
 * an orderly restart, {@linkcode MemoryEngine.crash} as a power cut.
 */
export class MemoryEngine implements Engine {
  readonly #options: MemoryEngineOptions;
  #map = new OrderedMap();
  readonly #gate = new CallGate("the memory engine");
  readonly #queue = new WriteQueue((batches, sync) => this.#commit(batches, sync));
  /** The content as of the last completed sync write. */
  #durable = new OrderedMap();
  /** Batches that came after it, in order, those still queued included. */
  #volatile: (readonly Write[])[] = [];
  /** How many of these are written. */
  #volatileWritten = 0;
  #durableView: StoredContent | undefined;
  #openIterators = 0;
  #crashed = false;
  readonly journal: MemoryJournal;

  constructor(options: MemoryEngineOptions = {}, records: readonly JournalRecord[] = []) {
    this.#options = options;
    const run = <T>(call: () => Promise<T>) => this.#gate.run(call);
    this.journal = new MemoryJournal({ run, wait: (what) => this.#wait(what) }, records);
  }

  get(key: Uint8Array): Promise<Buffer | undefined> {
    return this.#read(() => this.#copyOf(key));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    return this.#read(() => keys.map((key) => this.#copyOf(key)));
  }

  write(batch: readonly Write[], { sync }: WriteOptions): Promise<void> {
    return this.#gate.run(() => {
      const copy = batch.map(copyWrite);
      const written = this.#queue.push(copy, sync);
      this.#volatile.push(copy);
      return written;
    });
  }

  scan(range: KeyRange, options: ScanOptions = {}): Promise<KeyValue[]> {
    const { limit = Infinity, reverse = false } = options;
    return this.#read(() => this.#map.slice(range, limit, reverse).map(copyPair));
  }

  iterate(range: KeyRange): EngineIterator {
    this.#gate.assertOpen();
    const view = this.#map.snapshot();
    let rest: KeyRange | undefined = {
      start: copyBuffer(range.start),
      end: copyBuffer(range.end),
    };
    this.#openIterators++;
    return {
      next: (limit) => {
        const from = rest;
        if (!from) {
          return Promise.reject(new EngineClosedError("Cannot use an iterator: it is closed"));
        }
        return this.#read(() => {
          const pairs = view.slice(from, limit).map(copyPair);
          const last = pairs.at(-1);
          if (last && rest) rest = { start: successor(last.key), end: from.end };
          return pairs;
        });
      },
      close: () => {
        if (rest) this.#openIterators--;
        rest = undefined;
        return Promise.resolve();
      },
    };
  }

  async clearRange(range: KeyRange): Promise<void> {
    const keys = await this.#read(() => this.#map.slice(range, Infinity).map(({ key }) => key));
    await this.write(keys.map((key) => ({ type: "del", key })), { sync: false });
  }

  stats(): EngineStats {
    this.#gate.assertOpen();
    const properties = { pairs: this.#map.size, openIterators: this.#openIterators };
    return { storageBytes: this.#map.bytes + this.journal.bytes, properties };
  }

  close(): Promise<void> {
    return this.#gate.close();
  }

  /** The least a power cut now would leave: what is synced. For those who check a node from outside. */
  get durable(): StoredContent {
    const { durable: records } = this.journal;
    const view = this.#durableView;
    if (view?.records === records) return view;
    return this.#durableView = viewOf(this.#durable, records);
  }

  /** What a read finds now, synced or not. */
  get content(): StoredContent {
    return viewOf(this.#map, this.journal.content);
  }

  /** The engine a restart finds after an orderly `close`. */
  reopen(): MemoryEngine {
    invariant(this.#gate.closed && !this.#crashed, "Only a closed engine is opened again");
    return this.#restart(this.#map.snapshot(), this.journal.content);
  }

  /**
   * Cuts the power: calls under way and all later ones reject with
   * {@linkcode EngineClosedError}. A closed engine can lose its power too.
   *
   * @param prng Decides how many of the batches after the last completed sync
   * write survive; they are whole and the oldest ones. It decides by itself of
   * the journal's last record
   * @returns The engine a restart finds
   */
  crash(prng: Prng): MemoryEngine {
    invariant(!this.#crashed, "An engine crashes only once");
    this.#crashed = true;
    // Not awaited: after a power cut nobody waits for anything.
    this.#gate.close();
    this.#queue.fail(crashError());
    const content = this.#durable.snapshot();
    const survivors = this.#volatile.slice(0, prng.below(this.#volatile.length + 1));
    for (const batch of survivors) applyBatch(content, batch);
    return this.#restart(content, this.journal.crash(prng, crashError()));
  }

  /** What is found on opening is durable: RocksDB writes its log to tables then. */
  #restart(content: OrderedMap, records: readonly JournalRecord[]): MemoryEngine {
    const next = new MemoryEngine(this.#options, records);
    next.#map = content;
    next.#durable = content.snapshot();
    return next;
  }

  #read<T>(read: () => T): Promise<T> {
    return this.#gate.run(async () => {
      await this.#wait("read");
      return read();
    });
  }

  async #commit(batches: readonly (readonly Write[])[], sync: boolean): Promise<void> {
    await this.#wait(sync ? "sync" : "write");
    for (const batch of batches) applyBatch(this.#map, batch);
    this.#volatileWritten += batches.length;
    if (!sync) return;
    this.#durable = this.#map.snapshot();
    this.#durableView = undefined;
    this.#volatile = this.#volatile.slice(this.#volatileWritten);
    this.#volatileWritten = 0;
  }

  async #wait(operation: MemoryOperation): Promise<void> {
    if (this.#options.delay) await this.#options.delay(operation);
    if (this.#crashed) throw crashError();
  }

  #copyOf(key: Uint8Array): Buffer | undefined {
    assertKey(key);
    const value = this.#map.get(key);
    return value && copyBuffer(value);
  }
}

function viewOf(map: OrderedMap, records: readonly JournalRecord[]): StoredContent {
  return {
    records,
    size: map.size,
    get: (key) => map.get(key),
    slice: (...which) => map.slice(...which),
  };
}

function crashError(): EngineClosedError {
  return new EngineClosedError("Cannot finish an operation: the memory engine crashed");
}

function applyBatch(map: OrderedMap, batch: readonly Write[]): void {
  for (const write of batch) {
    if (write.type === "put") map.set(asBuffer(write.key), asBuffer(write.value));
    else map.delete(write.key);
  }
}

function copyWrite(write: Write): Write {
  assertWritableKey(write.prefix ?? write.key);
  const key = copyBuffer(fullKey(write));
  return write.type === "put"
    ? { type: "put", key, value: copyBuffer(write.value) }
    : { type: "del", key };
}

function copyPair({ key, value }: StoredPair): KeyValue {
  return { key: copyBuffer(key), value: copyBuffer(value) };
}

/** The first key after `key`. */
function successor(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}
