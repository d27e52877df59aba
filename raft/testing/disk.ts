/** What one node of a test has saved; survives its restarts. */
import { assert, assertEquals } from "@std/assert";
import type { Ready } from "../ready.ts";
import type { ConfState, Entry, HardState, LogIndex, Term } from "../types.ts";

export class Disk {
  hardState: HardState = { term: 0, vote: 0, commit: 0 };
  /** The members as of the index before which nothing was applied, and after each change since. */
  readonly #confStates = new Map<LogIndex, ConfState>();
  logStart: { index: LogIndex; term: Term } = { index: 0, term: 0 };
  entries: Entry[] = [];
  /** Everything that was applied, from the first entry on: the state machine's state. */
  applied: Entry[] = [];

  constructor(confState: ConfState) {
    this.#confStates.set(0, confState);
  }

  /** The members as of what is applied. */
  get confState(): ConfState {
    for (let index = this.appliedIndex; index >= 0; index--) {
      const conf = this.#confStates.get(index);
      if (conf !== undefined) return conf;
    }
    throw new Error("There are members from the beginning");
  }

  /** Notes the members from an entry on. */
  changeMembers(index: LogIndex, confState: ConfState): void {
    this.#confStates.set(index, confState);
  }

  get lastIndex(): LogIndex {
    return this.logStart.index + this.entries.length;
  }

  get appliedIndex(): LogIndex {
    return this.applied[this.applied.length - 1]?.index ?? 0;
  }

  term(index: LogIndex): Term | undefined {
    if (index === this.logStart.index) return this.logStart.term;
    return this.entries[index - this.logStart.index - 1]?.term;
  }

  /** One durable write. @param staged The machine's state that belongs to `ready.snapshot` */
  save(ready: Ready, staged: readonly Entry[]): void {
    if (ready.snapshot !== undefined) {
      const { index, term, confState } = ready.snapshot;
      this.logStart = { index, term };
      this.entries = [];
      this.#confStates.set(index, confState);
      this.applied = [...staged];
    }
    const first = ready.entries[0];
    if (first !== undefined) {
      assert(first.index > this.logStart.index, "a saved entry follows the start of the log");
      assert(first.index <= this.lastIndex + 1, "saved entries leave no gap");
      this.entries.splice(first.index - this.logStart.index - 1);
      this.entries.push(...ready.entries);
    }
    if (ready.hardState !== undefined) this.hardState = ready.hardState;
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assertEquals(entry.index, this.appliedIndex + 1, "entries are applied without a gap");
      this.applied.push(entry);
    }
  }

  compact(index: LogIndex): void {
    if (index <= this.logStart.index) return;
    const term = this.term(index);
    assert(term !== undefined, "a compacted entry is there");
    this.entries.splice(0, index - this.logStart.index);
    this.logStart = { index, term };
  }
}
