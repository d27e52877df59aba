/**
 * Numbered marks that make a hole in RocksDB's write-ahead log visible.
 *
 * RocksDB as we can open it skips damaged records of its log without a word
 * and goes on with the ones behind them. So each batch carries a mark with its
 * number: if a batch is missing in the middle, so is its mark.
 *
 * A mark may go once its batch has left the log, that is, once it is flushed
 * to a table. Entries reach tables in the order they were written; so with `n`
 * entries in memory tables, all but the last `n` ever written are flushed. The
 * newest flushed mark stays, or a hole right behind it would be the new start.
 */
import { invariant } from "../runtime/invariant.ts";
import { EngineError, type KeyRange } from "./engine.ts";
import { MARK_REGION, readUint64, writeUint64 } from "./key_space.ts";
import type { NativeBatch } from "./rocksdb_binding.ts";

/** Batches between two looks at the memory tables; marks are kept that much longer. */
export const MARK_CHECK_BATCHES = 64;

/**
 * Marks deleted with one batch at most. More than one, so that marks which
 * gathered while a table filled up go away; few, so that no batch becomes slow.
 */
export const MARK_DELETES_MAX = 16;

/** Gaps named in an error message at most. */
const GAPS_NAMED_MAX = 8;

/** One byte, because the binding leaks the empty values it is given. */
const MARK_VALUE = Buffer.of(1);

/** Where all marks are. */
export const MARK_RANGE: KeyRange = {
  start: Buffer.of(MARK_REGION),
  end: Buffer.of(MARK_REGION + 1),
};

/** The marks found in a database: every number from `oldest` to `newest`. */
export interface MarkSpan {
  readonly oldest: number;
  readonly newest: number;
}

/** How far the entries of this process had come when a batch was written. */
interface Sample {
  readonly batch: number;
  readonly entries: number;
}

/** Numbers the batches of one open database and forgets marks nobody needs. */
export class WriteMarks {
  #newest: number;
  #oldest: number;
  /** Marks below this one may be deleted. */
  #neededFrom: number;
  /** Entries written so far, those of batches before this process only if unflushed. */
  #entries: number;
  /** One in {@linkcode MARK_CHECK_BATCHES} batches, oldest first. */
  readonly #samples: Sample[];

  /**
   * @param found The marks the database held when it was opened
   * @param entriesInMemory Entries in all memory tables then
   */
  constructor(found: MarkSpan | undefined, entriesInMemory: number) {
    this.#newest = found?.newest ?? 0;
    this.#oldest = found?.oldest ?? 1;
    this.#neededFrom = found?.oldest ?? 0;
    this.#entries = entriesInMemory;
    this.#samples = [{ batch: this.#newest, entries: entriesInMemory }];
  }

  /** True when {@linkcode WriteMarks.forgetFlushed} should be called before the next batch. */
  get checkDue(): boolean {
    return this.#newest % MARK_CHECK_BATCHES === 0;
  }

  /**
   * Adds the next mark to a batch that is about to be written, and deletes old ones.
   *
   * @param changes Entries that are in the batch already
   */
  addTo(batch: Pick<NativeBatch, "put" | "del">, changes: number): void {
    this.#newest++;
    this.#entries += changes + 1;
    batch.put(markKey(this.#newest), MARK_VALUE);
    const end = Math.min(this.#neededFrom, this.#oldest + MARK_DELETES_MAX);
    for (; this.#oldest < end; this.#oldest++) {
      batch.del(markKey(this.#oldest));
      this.#entries++;
    }
    if (this.#newest % MARK_CHECK_BATCHES === 0) {
      this.#samples.push({ batch: this.#newest, entries: this.#entries });
    }
  }

  /**
   * Takes note of what is flushed. No batch may be under way.
   *
   * @param entriesInMemory Entries in all memory tables
   */
  forgetFlushed(entriesInMemory: number): void {
    const flushed = this.#entries - entriesInMemory;
    const behind = this.#samples.findIndex((sample) => sample.entries > flushed);
    const passed = this.#samples.splice(0, behind < 0 ? this.#samples.length : behind);
    this.#neededFrom = passed.at(-1)?.batch ?? this.#neededFrom;
    invariant(
      this.#neededFrom <= this.#newest,
      () => `The newest mark ${this.#newest} must stay, not only those from ${this.#neededFrom} on`,
    );
  }
}

/** Goes through the keys of all marks in order and finds out whether any are missing. */
export class MarkScan {
  readonly #path: string;
  #oldest = 0;
  #newest = 0;
  readonly #gaps: string[] = [];

  /** @param path The database's directory, for messages */
  constructor(path: string) {
    this.#path = path;
  }

  add(key: Buffer): void {
    const batch = key.length === MARK_KEY_BYTES ? readUint64(key, 1) : 0;
    if (batch <= this.#newest) throw this.#damaged(`there is a mark that nobody wrote`);
    if (this.#newest === 0) this.#oldest = batch;
    else if (batch === this.#newest + 2) this.#gaps.push(`${batch - 1}`);
    else if (batch > this.#newest + 2) this.#gaps.push(`${this.#newest + 1} to ${batch - 1}`);
    this.#newest = batch;
  }

  /**
   * Called after the last mark.
   *
   * @returns Undefined if there are no marks
   * @throws {EngineError} Of kind "corruption" if marks are missing
   */
  finish(): MarkSpan | undefined {
    if (this.#gaps.length > 0) {
      const named = this.#gaps.slice(0, GAPS_NAMED_MAX).join(", ");
      const more = this.#gaps.length > GAPS_NAMED_MAX ? " and others" : "";
      throw this.#damaged(`write batches ${named}${more} are missing from its write-ahead log`);
    }
    return this.#newest === 0 ? undefined : { oldest: this.#oldest, newest: this.#newest };
  }

  #damaged(what: string): EngineError {
    return new EngineError(
      "corruption",
      `Cannot open the database '${this.#path}': ${what}; ` +
        "wipe the directory and let the node rejoin as a new member",
    );
  }
}

const MARK_KEY_BYTES = 9;

function markKey(batch: number): Buffer {
  const key = Buffer.allocUnsafe(MARK_KEY_BYTES);
  key[0] = MARK_REGION;
  writeUint64(key, batch, 1);
  return key;
}
