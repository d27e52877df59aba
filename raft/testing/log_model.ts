/**
 * What RaftLog is, said in the dumbest way: every entry in one array, and a
 * disk that is an array, too. Each copy of an entry that enters the log gets a
 * stamp of its own, so that an entry which was replaced and came back is not
 * taken for the one that was there before.
 */
import type { LogPosition } from "../log/entry_window.ts";
import type { Entry, LogIndex, Term } from "../types.ts";

interface Slot {
  readonly entry: Entry;
  readonly stamp: number;
}

/** A write that was begun: what it puts on the disk from which index on. */
type Write = readonly Slot[];

export class LogModel {
  start: LogPosition;
  slots: Slot[] = [];
  commit: LogIndex;
  applied: LogIndex;
  handedOut: LogIndex;
  /** Index of the last entry that was taken for saving. */
  taken: LogIndex;
  /** Stamps on disk by index; where nothing is written there is nothing. */
  #disk = new Map<LogIndex, number>();
  writes: Write[] = [];
  pages: (readonly Entry[])[] = [];
  #stamps = 0;

  constructor(start: LogPosition) {
    this.start = start;
    this.commit = start.index;
    this.applied = start.index;
    this.handedOut = start.index;
    this.taken = start.index;
  }

  get last(): LogIndex {
    return this.start.index + this.slots.length;
  }

  entries(from: LogIndex, to: LogIndex): Entry[] {
    return this.slots.map(({ entry }) => entry)
      .filter(({ index }) => index >= from && index <= to);
  }

  term(index: LogIndex): Term | undefined {
    if (index === this.start.index) return this.start.term;
    return this.entries(index, index)[0]?.term;
  }

  bytes(from = 0, to: LogIndex = Infinity): number {
    return this.entries(from, to).reduce((sum, { data }) => sum + data.length, 0);
  }

  push(entry: Entry): void {
    this.slots.push({ entry, stamp: ++this.#stamps });
  }

  /** Replaces everything from the first entry that differs on. */
  merge(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (this.term(entry.index) === entry.term) continue;
      this.slots = this.slots.filter((slot) => slot.entry.index < entry.index);
      this.taken = Math.min(this.taken, entry.index - 1);
      this.push(entry);
    }
  }

  take(): Entry[] {
    const entries = this.entries(this.taken + 1, this.last);
    if (entries.length > 0) this.writes.push(this.slots.slice(-entries.length));
    this.taken = this.last;
    return entries;
  }

  save(): void {
    LogModel.#write(this.#disk, this.writes.shift() ?? []);
  }

  static #write(disk: Map<LogIndex, number>, write: Write): void {
    const first = write[0]?.entry.index ?? Infinity;
    for (const index of disk.keys()) if (index >= first) disk.delete(index);
    for (const { entry, stamp } of write) disk.set(entry.index, stamp);
  }

  /** How far the disk holds what memory holds, now and after every write that is under way. */
  get persisted(): LogIndex {
    const disk = new Map(this.#disk);
    let persisted = this.#equalTo(disk);
    for (const write of this.writes) {
      LogModel.#write(disk, write);
      persisted = Math.min(persisted, this.#equalTo(disk));
    }
    return persisted;
  }

  #equalTo(disk: ReadonlyMap<LogIndex, number>): LogIndex {
    const differs = this.slots.findIndex(({ entry, stamp }) => disk.get(entry.index) !== stamp);
    return differs === -1 ? this.last : this.start.index + differs;
  }

  /** Committed and durable, not handed out, as many as fit beside what is outstanding. */
  nextPage(bytesMax: number): Entry[] {
    const page: Entry[] = [];
    let bytes = this.pages.flat().reduce((sum, { data }) => sum + data.length, 0);
    for (
      const entry of this.entries(this.handedOut + 1, Math.min(this.commit, this.persisted))
    ) {
      bytes += entry.data.length;
      const isOnlyOne = page.length === 0 && this.pages.length === 0;
      if (bytes > bytesMax && !isOnlyOne) break;
      page.push(entry);
    }
    return page;
  }

  handOut(bytesMax: number): Entry[] {
    const page = this.nextPage(bytesMax);
    if (page.length > 0) this.pages.push(page);
    this.handedOut += page.length;
    return page;
  }

  appliedTo(index: LogIndex): void {
    this.applied = index;
    this.pages = this.pages.filter((page) => (page[page.length - 1]?.index ?? 0) > index);
  }

  compactTo(index: LogIndex): void {
    if (index <= this.start.index) return;
    this.start = { index, term: this.term(index) ?? 0 };
    this.slots = this.slots.filter(({ entry }) => entry.index > index);
  }

  restore(position: LogPosition): void {
    this.start = position;
    this.slots = [];
    this.commit = position.index;
    this.handedOut = position.index;
    this.taken = position.index;
  }

  /** The least index after which both bounds hold for the applied entries, by trying all. */
  compactionIndex(applied: LogIndex, entriesMax: number, bytesMax: number): LogIndex {
    if (applied < this.start.index) return 0;
    for (let index = this.start.index; index < applied; index++) {
      const fits = applied - index <= entriesMax && this.bytes(index + 1, applied) <= bytesMax;
      if (fits) return index;
    }
    return applied;
  }
}
