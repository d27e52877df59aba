/**
 * The log of one node as the core sees it: entries in memory and how far they
 * are saved, committed, handed out and applied.
 */
import { invariant } from "../../runtime/invariant.ts";
import type { Entry, LogIndex, Term } from "../types.ts";
import { EntryWindow, type LogPosition } from "./entry_window.ts";

export interface RaftLogOptions {
  /** The log starts after this entry. */
  readonly start: LogPosition;
  /** Contiguous after `start`, all durable. */
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
  readonly applied: LogIndex;
}

/** How much of the applied part of the log to keep. */
export interface RetentionOptions {
  readonly applied: LogIndex;
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** Committed entries that were handed out together and are not all applied. */
interface Page {
  readonly last: LogIndex;
  readonly bytes: number;
}

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

export class RaftLog {
  readonly #window: EntryWindow;
  /** Invariant: start.index <= commit <= lastIndex; never falls. */
  #commit: LogIndex;
  /** Invariant: applied <= handedOut; below the start only while a restored snapshot is unapplied. */
  #applied: LogIndex;
  /** Invariant: handedOut <= min(commit, persisted). */
  #handedOut: LogIndex;
  /** Everything up to here is durable as it stands in memory. Invariant: persisted <= taken. */
  #persisted: LogIndex;
  /** Everything up to here was given out for saving. Invariant: taken <= lastIndex. */
  #taken: LogIndex;
  /**
   * Last index of each batch of entries that is being saved, oldest first. Cutting
   * the log off lowers these indexes: the late report that a batch is saved must
   * not vouch for an entry that has been replaced since, not even if an equal one
   * has replaced it (the A-B-A problem).
   */
  #saving: LogIndex[] = [];
  #pages: Page[] = [];
  #outstandingBytes = 0;

  constructor(options: RaftLogOptions) {
    this.#window = new EntryWindow(options.start);
    for (const entry of options.entries) this.#window.push(entry);
    this.#commit = Math.max(options.commit, options.applied, options.start.index);
    this.#applied = options.applied;
    this.#handedOut = options.applied;
    this.#persisted = this.lastIndex;
    this.#taken = this.lastIndex;
    invariant(
      this.#applied >= options.start.index,
      () => `Applied index ${this.#applied} reaches the start ${options.start.index}`,
    );
    invariant(
      this.#commit <= this.lastIndex,
      () => `Commit index ${this.#commit} is within the log that ends at ${this.lastIndex}`,
    );
  }

  get start(): LogPosition {
    return this.#window.start;
  }

  /** The first index whose entry may be held. */
  get firstIndex(): LogIndex {
    return this.#window.start.index + 1;
  }

  get lastIndex(): LogIndex {
    return this.#window.lastIndex;
  }

  get lastTerm(): Term {
    return this.#window.lastTerm;
  }

  get commit(): LogIndex {
    return this.#commit;
  }

  get applied(): LogIndex {
    return this.#applied;
  }

  get persisted(): LogIndex {
    return this.#persisted;
  }

  /** Payload bytes held in memory. */
  get bytes(): number {
    return this.#window.bytes;
  }

  /** The term at `index`; undefined if it is compacted or beyond the end. */
  term(index: LogIndex): Term | undefined {
    return this.#window.term(index);
  }

  /** Entries from `from` to the end, at most `bytesMax` payload bytes but at least one entry. */
  entriesFrom(from: LogIndex, bytesMax: number): readonly Entry[] {
    if (from > this.lastIndex) return NO_ENTRIES;
    return this.#window.page(from, this.lastIndex, bytesMax);
  }

  at(index: LogIndex): Entry {
    return this.#window.at(index);
  }

  bytesBetween(from: LogIndex, to: LogIndex): number {
    return this.#window.bytesBetween(from, to);
  }

  lastIndexOfTerm(index: LogIndex, term: Term): LogIndex {
    return this.#window.lastIndexOfTerm(index, term);
  }

  /** Whether a log that ends in `position` is at least as complete as this one (section 5.4.1). */
  isCovered(position: LogPosition): boolean {
    if (position.term !== this.lastTerm) return position.term > this.lastTerm;
    return position.index >= this.lastIndex;
  }

  /** A leader's own new entry. */
  append(entry: Entry): void {
    this.#window.push(entry);
  }

  /**
   * Takes over a leader's entries, which follow an entry that both logs share.
   * Entries that are here already stay; from the first that differs on, the
   * leader's replace ours.
   */
  merge(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const term = this.term(entry.index);
      if (term === entry.term) continue;
      if (term !== undefined) this.#cutFrom(entry.index);
      this.#window.push(entry);
    }
  }

  #cutFrom(index: LogIndex): void {
    invariant(index > this.#commit, () => `Entry ${index} to cut is after commit ${this.#commit}`);
    this.#window.truncateFrom(index);
    this.#forgetSaved(index - 1);
  }

  #forgetSaved(last: LogIndex): void {
    this.#persisted = Math.min(this.#persisted, last);
    this.#taken = Math.min(this.#taken, last);
    this.#saving = this.#saving.map((index) => Math.min(index, last));
  }

  /** Raises the commit index; a lower one is old news. */
  commitTo(index: LogIndex): void {
    if (index <= this.#commit) return;
    invariant(
      index <= this.lastIndex,
      () => `Commit index ${index} is within the log that ends at ${this.lastIndex}`,
    );
    this.#commit = index;
  }

  /** Replaces the whole log by a snapshot that ends in `position`. */
  restore(position: LogPosition): void {
    invariant(
      position.index > this.#commit,
      () => `Snapshot ${position.index} leads past commit ${this.#commit}`,
    );
    this.#window.reset(position);
    this.#forgetSaved(position.index);
    // Entries after the snapshot are saved in later rounds, hence after it.
    this.#persisted = position.index;
    this.#taken = position.index;
    this.#commit = position.index;
    this.#handedOut = position.index;
  }

  get hasUnsaved(): boolean {
    return this.#taken < this.lastIndex;
  }

  /** Entries that were not given out for saving yet. */
  takeUnsaved(): readonly Entry[] {
    if (!this.hasUnsaved) return NO_ENTRIES;
    const entries = this.#window.slice(this.#taken + 1, this.lastIndex);
    this.#taken = this.lastIndex;
    this.#saving.push(this.lastIndex);
    return entries;
  }

  /** The oldest batch of `takeUnsaved` is durable. */
  markSaved(): void {
    const last = this.#saving.shift();
    invariant(last !== undefined, "Entries that are saved were taken for saving");
    this.#persisted = Math.max(this.#persisted, last);
    invariant(
      this.#persisted <= this.#taken,
      () => `Persisted ${this.#persisted} is within taken ${this.#taken}`,
    );
  }

  /** Whether `takeCommitted` would return entries. */
  hasCommitted(bytesMax: number): boolean {
    const next = this.#handedOut + 1;
    if (next > Math.min(this.#commit, this.#persisted)) return false;
    if (this.#pages.length === 0) return true;
    return this.#outstandingBytes + this.at(next).data.length <= bytesMax;
  }

  /**
   * Entries that are committed and durable here and were not handed out yet,
   * while those unapplied stay within `bytesMax`; one always passes.
   */
  takeCommitted(bytesMax: number): readonly Entry[] {
    if (!this.hasCommitted(bytesMax)) return NO_ENTRIES;
    const to = Math.min(this.#commit, this.#persisted);
    const entries = this.#window.page(this.#handedOut + 1, to, bytesMax - this.#outstandingBytes);
    const last = this.#handedOut + entries.length;
    const bytes = this.bytesBetween(this.#handedOut + 1, last);
    this.#pages.push({ last, bytes });
    this.#outstandingBytes += bytes;
    this.#handedOut = last;
    return entries;
  }

  /** Everything up to `index` is applied. */
  appliedTo(index: LogIndex): void {
    invariant(index >= this.#applied, () => `Applied ${index} follows ${this.#applied}`);
    invariant(
      index <= this.#handedOut,
      () => `Applied ${index} was handed out, as was all up to ${this.#handedOut}`,
    );
    this.#applied = index;
    for (let page = this.#pages[0]; page && page.last <= index; page = this.#pages[0]) {
      this.#pages.shift();
      this.#outstandingBytes -= page.bytes;
    }
  }

  /** Drops applied entries up to `index` from memory; one that is gone already changes nothing. */
  compactTo(index: LogIndex): void {
    invariant(
      index <= this.#applied,
      () => `Compaction to ${index} is within applied ${this.#applied}`,
    );
    this.#window.compactTo(index);
  }

  /**
   * The least index to compact to so that the applied entries after it keep
   * both bounds. 0, nothing, while a restored snapshot is unapplied: until then
   * the store must keep what it has.
   */
  compactionIndex(retain: RetentionOptions): LogIndex {
    const { applied } = retain;
    if (applied < this.start.index) return 0;
    invariant(applied <= this.#applied, () => `Index ${applied} is within ${this.#applied}`);
    let index = Math.max(this.start.index, applied - retain.entriesMax);
    let high = Math.max(index, applied);
    // Bytes never grow with the index: a binary search.
    while (index < high) {
      const middle = Math.floor((index + high) / 2);
      if (this.bytesBetween(middle + 1, applied) <= retain.bytesMax) high = middle;
      else index = middle + 1;
    }
    return index;
  }
}
