/** RaftLog against a model that is nothing but arrays, through random histories. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { LogModel } from "../testing/log_model.ts";
import type { Entry, LogIndex, Term } from "../types.ts";
import { RaftLog } from "./raft_log.ts";

/** A step of a history; what the numbers mean depends on the kind and on the state. */
interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly a: number;
  readonly b: number;
  readonly terms: readonly number[];
}

const KINDS = [
  "append",
  "merge",
  "commit",
  "take",
  "save",
  "handOut",
  "apply",
  "compact",
  "restore",
] as const;

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS, "merge", "take", "save", "commit", "handOut", "apply"),
    a: fc.nat(1000),
    b: fc.nat(1000),
    terms: fc.array(fc.nat(1), { minLength: 1, maxLength: 4 }),
  }),
  { maxLength: 80, size: "max" },
);

/** A number from `low` to `high`, both included. */
function within(low: number, high: number, draw: number): number {
  return low + draw % (high - low + 1);
}

function entry(index: LogIndex, term: Term, draw: number): Entry {
  return { index, term, kind: "normal", data: new Uint8Array(draw % 7) };
}

class Pair {
  readonly log: RaftLog;
  readonly model: LogModel;

  constructor() {
    const start = { index: 3, term: 1 };
    this.log = new RaftLog({ start, entries: [], commit: 3, applied: 3 });
    this.model = new LogModel(start);
  }

  do({ kind, a, b, terms }: Step): void {
    const { log, model } = this;
    switch (kind) {
      case "append": {
        const added = entry(model.last + 1, (model.term(model.last) ?? 0) + a % 2, b);
        log.append(added);
        model.push(added);
        break;
      }
      case "merge": {
        const entries = this.#entriesOfLeader(a, b, terms);
        log.merge(entries);
        model.merge(entries);
        break;
      }
      case "commit":
        model.commit = Math.max(model.commit, within(model.start.index, model.last, a));
        log.commitTo(model.commit);
        break;
      case "take":
        assertEquals(log.takeUnsaved(), model.take());
        break;
      case "save":
        if (model.writes.length === 0) break;
        model.save();
        log.markSaved();
        break;
      case "handOut":
        assertEquals(log.takeCommitted(a % 20), model.handOut(a % 20));
        break;
      case "apply":
        this.#apply(a);
        break;
      case "compact": {
        const index = within(0, model.applied, a);
        log.compactTo(index);
        model.compactTo(index);
        break;
      }
      case "restore": {
        if (a % 5 > 0) break;
        const term = (model.term(model.last) ?? 0) + b % 2;
        const position = { index: model.commit + 1 + b % 4, term };
        log.restore(position);
        model.restore(position);
        break;
      }
    }
  }

  /** A run that agrees with the log up to its commit index at least, and then as it likes. */
  #entriesOfLeader(a: number, b: number, terms: readonly number[]): Entry[] {
    const { model } = this;
    const prev = within(model.start.index, model.last, a);
    const agreed = within(Math.max(prev, model.commit), model.last, b);
    const entries = model.entries(prev + 1, agreed);
    let term = model.term(agreed) ?? 0;
    for (const [i, rise] of terms.entries()) {
      term += rise;
      entries.push(entry(agreed + 1 + i, term, b));
    }
    return entries;
  }

  /** A state machine applies a restored snapshot as a whole. */
  #apply(draw: number): void {
    const { log, model } = this;
    const least = Math.max(model.applied, model.start.index);
    const index = within(least, Math.max(least, model.handedOut), draw);
    log.appliedTo(index);
    model.appliedTo(index);
  }

  /** Everything that can be asked gets the same answer. */
  check({ a, b }: Step): void {
    const { log, model } = this;
    const indexes = Array.from({ length: model.last + 3 }, (_, i) => i);
    assertEquals({
      start: log.start,
      first: log.firstIndex,
      last: log.lastIndex,
      lastTerm: log.lastTerm,
      terms: indexes.map((i) => log.term(i)),
      commit: log.commit,
      applied: log.applied,
      persisted: log.persisted,
      bytes: log.bytes,
      hasUnsaved: log.hasUnsaved,
      hasCommitted: log.hasCommitted(a % 20),
    }, {
      start: model.start,
      first: model.start.index + 1,
      last: model.last,
      lastTerm: model.term(model.last) ?? 0,
      terms: indexes.map((i) => model.term(i)),
      commit: model.commit,
      applied: model.applied,
      persisted: model.persisted,
      bytes: model.bytes(),
      hasUnsaved: model.taken < model.last,
      hasCommitted: model.nextPage(a % 20).length > 0,
    });
    this.#checkQueries(a, b);
  }

  #checkQueries(a: number, b: number): void {
    const { log, model } = this;
    const from = within(model.start.index + 1, model.last + 1, a);
    const to = within(from - 1, model.last, b);
    assertEquals(log.bytesBetween(from, to), model.bytes(from, to));
    const tail = log.entriesFrom(from, b % 20);
    assertEquals(tail, model.entries(from, from + tail.length - 1));
    const fits = (count: number) => count <= 1 || model.bytes(from, from + count - 1) <= b % 20;
    const rest = model.last - from + 1;
    assertEquals([fits(tail.length), tail.length === rest || !fits(tail.length + 1)], [true, true]);
    const applied = within(0, model.applied, a);
    assertEquals(
      log.compactionIndex({ applied, entriesMax: b % 5, bytesMax: a % 20 }),
      model.compactionIndex(applied, b % 5, a % 20),
    );
  }
}

Deno.test("RaftLog agrees with a model of plain arrays through any history", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const pair = new Pair();
      for (const step of history) {
        pair.do(step);
        pair.check(step);
      }
    }),
    { seed: 1, numRuns: 800 },
  );
});

Deno.test("RaftLog has everything persisted once every write has ended", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const { log, model } = history.reduce((pair, step) => (pair.do(step), pair), new Pair());
      log.takeUnsaved();
      model.take();
      while (model.writes.length > 0) {
        model.save();
        log.markSaved();
      }
      assertEquals(log.persisted, log.lastIndex);
    }),
    { seed: 2, numRuns: 1000 },
  );
});
