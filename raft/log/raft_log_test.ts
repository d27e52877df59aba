import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { InvariantError } from "../../runtime/invariant.ts";
import { entriesOfTerms } from "../testing/test_node.ts";
import type { Entry, Term } from "../types.ts";
import { RaftLog } from "./raft_log.ts";

interface LogParts {
  start?: { index: number; term: Term };
  commit?: number;
  applied?: number;
}

function logOf(terms: readonly Term[], parts: LogParts = {}): RaftLog {
  const start = parts.start ?? { index: 0, term: 0 };
  return new RaftLog({
    start,
    entries: entriesOfTerms(terms, start.index + 1),
    commit: parts.commit ?? start.index,
    applied: parts.applied ?? start.index,
  });
}

function indexes(entries: readonly Entry[]): number[] {
  return entries.map((entry) => entry.index);
}

function sized(index: number, bytes: number): Entry {
  return { index, term: 1, kind: "normal", data: new Uint8Array(bytes) };
}

Deno.test("RaftLog knows the terms of what it holds and of the entry before", () => {
  const log = logOf([4, 4, 5], { start: { index: 10, term: 3 } });
  assertEquals([9, 10, 11, 12, 13, 14].map((i) => log.term(i)), [undefined, 3, 4, 4, 5, undefined]);
  assertEquals([log.firstIndex, log.lastIndex, log.lastTerm], [11, 13, 5]);
});

Deno.test("RaftLog takes what is applied for committed, and refuses a commit index it cannot have", () => {
  assertEquals(logOf([1, 1, 1], { commit: 1, applied: 2 }).commit, 2);
  assertThrows(() => logOf([1, 1], { commit: 3 }), InvariantError);
  assertThrows(() => logOf([1], { start: { index: 5, term: 1 }, applied: 4 }), InvariantError);
});

Deno.test("RaftLog.merge() keeps what matches and replaces from the first difference on", () => {
  const cases: { log: Term[]; first: number; terms: Term[]; result: Term[]; unsaved: number }[] = [
    { log: [1, 2, 2], first: 4, terms: [3], result: [1, 2, 2, 3], unsaved: 1 },
    { log: [1, 2, 2], first: 2, terms: [2, 2], result: [1, 2, 2], unsaved: 0 },
    { log: [1, 2, 2], first: 2, terms: [2], result: [1, 2, 2], unsaved: 0 },
    { log: [1, 2, 2], first: 3, terms: [3, 3], result: [1, 2, 3, 3], unsaved: 2 },
    { log: [1, 2, 2], first: 1, terms: [1, 3], result: [1, 3], unsaved: 1 },
    { log: [1, 2, 2], first: 4, terms: [], result: [1, 2, 2], unsaved: 0 },
  ];
  for (const { log: terms, first, terms: theirs, result, unsaved } of cases) {
    const log = logOf(terms);
    log.merge(entriesOfTerms(theirs, first));
    assertEquals(log.entriesFrom(1, Infinity).map((entry) => entry.term), result);
    assertEquals(log.takeUnsaved().length, unsaved);
  }
});

Deno.test("RaftLog.merge() never cuts what is committed", () => {
  const log = logOf([1, 1], { commit: 2 });
  assertThrows(() => log.merge(entriesOfTerms([2], 2)), InvariantError);
});

Deno.test("RaftLog.lastIndexOfTerm() finds the last entry that is not of a later term", () => {
  const terms = fc.array(fc.integer({ min: 3, max: 8 }), { maxLength: 20 });
  fc.assert(
    fc.property(terms, fc.nat(30), fc.nat(10), (unsorted, index, term) => {
      const sorted = unsorted.sort((a, b) => a - b);
      const log = logOf(sorted, { start: { index: 5, term: 3 } });
      let expected = Math.min(index, log.lastIndex);
      while (expected >= 5 && (log.term(expected) ?? 0) > term) expected--;
      assertEquals(log.lastIndexOfTerm(index, term), expected);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("RaftLog.entriesFrom() keeps the bound on bytes, but always gives one entry", () => {
  const log = logOf([]);
  for (const [i, bytes] of [10, 10, 50, 1].entries()) log.append(sized(i + 1, bytes));
  assertEquals(indexes(log.entriesFrom(1, 20)), [1, 2]);
  assertEquals(indexes(log.entriesFrom(1, 29)), [1, 2]);
  assertEquals(indexes(log.entriesFrom(3, 20)), [3]);
  assertEquals(indexes(log.entriesFrom(3, 51)), [3, 4]);
  assertEquals(indexes(log.entriesFrom(5, 51)), []);
});

Deno.test("RaftLog.markSaved() vouches for an entry only in the round that saved it last", () => {
  const log = logOf([1]);
  log.merge(entriesOfTerms([2, 2], 2));
  assertEquals(indexes(log.takeUnsaved()), [2, 3]);
  log.merge(entriesOfTerms([3], 2));
  assertEquals(indexes(log.takeUnsaved()), [2]);
  // The very entries of the first round come back: its late end says nothing about them.
  log.merge(entriesOfTerms([2, 2], 2));
  assertEquals(indexes(log.takeUnsaved()), [2, 3]);

  log.markSaved();
  assertEquals(log.persisted, 1);
  log.markSaved();
  assertEquals(log.persisted, 1);
  log.markSaved();
  assertEquals(log.persisted, 3);
  assertThrows(() => log.markSaved(), InvariantError);
});

Deno.test("RaftLog.takeCommitted() hands out what is both committed and saved, once", () => {
  const log = logOf([]);
  for (let index = 1; index <= 3; index++) log.append(sized(index, 1));
  log.commitTo(2);
  assertEquals(log.takeCommitted(100), []);
  log.takeUnsaved();
  log.markSaved();
  assertEquals(indexes(log.takeCommitted(100)), [1, 2]);
  assertEquals(log.takeCommitted(100), []);
  log.commitTo(3);
  assertEquals(indexes(log.takeCommitted(100)), [3]);
});

Deno.test("RaftLog.takeCommitted() bounds the bytes that are handed out and not applied", () => {
  const log = logOf([]);
  for (const [i, bytes] of [200, 40, 40, 40].entries()) log.append(sized(i + 1, bytes));
  log.takeUnsaved();
  log.markSaved();
  log.commitTo(4);
  assertEquals(indexes(log.takeCommitted(100)), [1], "one entry always passes");
  assertEquals([log.hasCommitted(100), indexes(log.takeCommitted(100))], [false, []]);
  log.appliedTo(1);
  assertEquals(indexes(log.takeCommitted(100)), [2, 3]);
  log.appliedTo(2);
  assertEquals(log.hasCommitted(100), false);
  log.appliedTo(3);
  assertEquals(indexes(log.takeCommitted(100)), [4]);
});

Deno.test("RaftLog.appliedTo() refuses an index that was not handed out or lies behind", () => {
  const log = logOf([1, 1, 1], { commit: 2, applied: 1 });
  assertThrows(() => log.appliedTo(2), InvariantError);
  log.takeCommitted(100);
  log.appliedTo(2);
  assertThrows(() => log.appliedTo(1), InvariantError);
});

Deno.test("RaftLog.compactTo() drops applied entries and keeps the term of the last", () => {
  const log = logOf([1, 2, 3], { applied: 2 });
  const { bytes } = log;
  log.compactTo(2);
  assertEquals([log.start, log.firstIndex, log.lastIndex], [{ index: 2, term: 2 }, 3, 3]);
  assertEquals(log.bytes, bytes / 3);
  log.compactTo(1);
  assertEquals(log.firstIndex, 3, "compacting less than before changes nothing");
  assertThrows(() => log.compactTo(3), InvariantError);
});

Deno.test("RaftLog.compactionIndex() keeps both bounds on the applied tail and no more", () => {
  const log = logOf([]);
  for (let index = 1; index <= 10; index++) log.append(sized(index, 10));
  log.takeUnsaved();
  log.markSaved();
  log.commitTo(8);
  log.takeCommitted(Infinity);
  log.appliedTo(8);
  const retain = (entriesMax: number, bytesMax: number) =>
    log.compactionIndex({ applied: 8, entriesMax, bytesMax });
  assertEquals(retain(100, 1000), 0);
  assertEquals(retain(3, 1000), 5);
  assertEquals(retain(100, 30), 5);
  assertEquals(retain(100, 29), 6);
  assertEquals(retain(0, 1000), 8);
  assertEquals(retain(100, 0), 8);
  log.compactTo(5);
  assertEquals(retain(100, 1000), 5);
});

Deno.test("RaftLog.restore() replaces everything, and nothing may be compacted before it is applied", () => {
  const log = logOf([1, 1, 1], { commit: 2 });
  log.merge(entriesOfTerms([1], 4));
  log.takeUnsaved();

  log.restore({ index: 9, term: 4 });

  assertEquals([log.firstIndex, log.lastIndex, log.lastTerm, log.bytes], [10, 9, 4, 0]);
  assertEquals([log.commit, log.persisted, log.applied], [9, 9, 0]);
  assertEquals(log.compactionIndex({ applied: 0, entriesMax: 0, bytesMax: 0 }), 0);
  log.markSaved();
  assertEquals([log.persisted, log.hasUnsaved], [9, false]);
  log.appliedTo(9);
  assertEquals(log.applied, 9);
});
