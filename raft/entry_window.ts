/** The run of entries a node holds in memory, after a compacted prefix. */
import { invariant } from "../runtime/invariant.ts";
import type { Entry, LogIndex, Term } from "./types.ts";

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
  /** Invariant: the sum of the payload lengths of the entries. */
  #bytes = 0;

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
    return this.#bytes;
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
    let bytes = 0;
    for (let index = from; index <= to; index++) bytes += this.at(index).data.length;
    return bytes;
  }

  push(entry: Entry): void {
    invariant(
      entry.index === this.lastIndex + 1,
      () => `Entry ${entry.index} follows ${this.lastIndex}`,
    );
    invariant(entry.term >= this.lastTerm, () => `Term ${entry.term} follows ${this.lastTerm}`);
    this.#entries.push(entry);
    this.#bytes += entry.data.length;
  }

  /** Drops the entries from `index` on. */
  truncateFrom(index: LogIndex): void {
    invariant(index > this.#start.index, () => `Entry ${index} is in ${this.#range()}`);
    const removed = this.#entries.splice(index - this.#start.index - 1);
    for (const entry of removed) this.#bytes -= entry.data.length;
    invariant(this.#bytes >= 0, () => `The window holds ${this.#bytes} bytes`);
  }

  /** Drops the entries up to and including `index`; linear in what is kept, so do it in strides. */
  compactTo(index: LogIndex): void {
    if (index <= this.#start.index) return;
    const term = this.at(index).term;
    const removed = this.#entries.splice(0, index - this.#start.index);
    for (const entry of removed) this.#bytes -= entry.data.length;
    this.#start = { index, term };
    invariant(this.#bytes >= 0, () => `The window holds ${this.#bytes} bytes`);
  }

  /** Forgets everything and starts anew after `start`. */
  reset(start: LogPosition): void {
    this.#start = start;
    this.#entries = [];
    this.#bytes = 0;
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
