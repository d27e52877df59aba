/** The run of entries a node holds in memory, after a compacted prefix. */
import { invariant } from "../../runtime/invariant.ts";
import type { Entry, LogIndex, Term } from "../types.ts";

/** A place in the log and the term of the entry there; 0/0 is before the first. */
export interface LogPosition {
  readonly index: LogIndex;
  readonly term: Term;
}

export class EntryWindow {
  /** The last compacted entry; its term is still known, its data is not. */
  #start: LogPosition;
  /** Invariant: entries[i].index === start.index + 1 + i, and terms never fall. */
  #entries: Entry[] = [];
  /** Payload bytes of all entries up to each, so that those of any run of them are a difference. */
  #sums: number[] = [];
  /** The same up to the start. */
  #startSum = 0;

  constructor(start: LogPosition) {
    this.#start = start;
  }

  get start(): LogPosition {
    return this.#start;
  }

  get lastIndex(): LogIndex {
    return this.#start.index + this.#entries.length;
  }

  get lastTerm(): Term {
    return this.#entries[this.#entries.length - 1]?.term ?? this.#start.term;
  }

  /** Payload bytes held. */
  get bytes(): number {
    return this.#sumTo(this.lastIndex) - this.#startSum;
  }

  /** The term of the entry at `index`; undefined if it is compacted or not there yet. */
  term(index: LogIndex): Term | undefined {
    if (index === this.#start.index) return this.#start.term;
    return this.#entries[index - this.#start.index - 1]?.term;
  }

  /** The entry at an index that is held. */
  at(index: LogIndex): Entry {
    const entry = this.#entries[index - this.#start.index - 1];
    invariant(entry !== undefined, () => `Entry ${index} is in ${this.#range()}`);
    invariant(entry.index === index, () => `Entry ${entry.index} stands at ${index}`);
    return entry;
  }

  /** Entries `from` to `to`, both included. */
  slice(from: LogIndex, to: LogIndex): Entry[] {
    invariant(from > this.#start.index, () => `Entry ${from} is in ${this.#range()}`);
    invariant(to <= this.lastIndex, () => `Entry ${to} is in ${this.#range()}`);
    return this.#entries.slice(from - this.#start.index - 1, to - this.#start.index);
  }

  /** Like `slice`, cut off before `bytesMax` payload bytes are exceeded; the first always fits. */
  page(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
    if (from > to) return [];
    let bytes = this.at(from).data.length;
    let last = from;
    while (last < to) {
      bytes += this.at(last + 1).data.length;
      if (bytes > bytesMax) break;
      last++;
    }
    return this.slice(from, last);
  }

  /** Payload bytes of entries `from` to `to`, both included. */
  bytesBetween(from: LogIndex, to: LogIndex): number {
    return from > to ? 0 : this.#sumTo(to) - this.#sumTo(from - 1);
  }

  #sumTo(index: LogIndex): number {
    if (index === this.#start.index) return this.#startSum;
    const sum = this.#sums[index - this.#start.index - 1];
    invariant(sum !== undefined, () => `Entry ${index} is in ${this.#range()}`);
    return sum;
  }

  push(entry: Entry): void {
    invariant(
      entry.index === this.lastIndex + 1,
      () => `Entry ${entry.index} follows ${this.lastIndex}`,
    );
    invariant(entry.term >= this.lastTerm, () => `Term ${entry.term} follows ${this.lastTerm}`);
    const sum = this.#sumTo(this.lastIndex) + entry.data.length;
    this.#entries.push(entry);
    this.#sums.push(sum);
  }

  /** Drops the entries from `index` on. */
  truncateFrom(index: LogIndex): void {
    invariant(index > this.#start.index, () => `Entry ${index} is in ${this.#range()}`);
    this.#entries.length = index - this.#start.index - 1;
    this.#sums.length = this.#entries.length;
  }

  /** Drops the entries up to and including `index`; linear in what is kept, so do it in strides. */
  compactTo(index: LogIndex): void {
    if (index <= this.#start.index) return;
    const term = this.at(index).term;
    this.#startSum = this.#sumTo(index);
    this.#entries.splice(0, index - this.#start.index);
    this.#sums.splice(0, index - this.#start.index);
    this.#start = { index, term };
  }

  /** Forgets everything and starts anew after `start`. */
  reset(start: LogPosition): void {
    this.#start = start;
    this.#entries = [];
    this.#sums = [];
    this.#startSum = 0;
  }

  /**
   * The highest index up to `index` whose term is at most `term`: where two
   * logs can still agree if one has `term` there (Raft paper, end of section
   * 5.3). Terms never fall along the log, so this is a binary search.
   *
   * @returns An index below the start if the place is in the compacted part
   */
  lastIndexOfTerm(index: LogIndex, term: Term): LogIndex {
    if (index < this.#start.index) return index;
    let below = this.#start.index - 1;
    let high = Math.min(index, this.lastIndex);
    while (below < high) {
      const middle = below + Math.ceil((high - below) / 2);
      const found = this.term(middle);
      invariant(found !== undefined, () => `Entry ${middle} is in ${this.#range()}`);
      if (found <= term) below = middle;
      else high = middle - 1;
    }
    return below;
  }

  #range(): string {
    return `(${this.#start.index}, ${this.lastIndex}]`;
  }
}
