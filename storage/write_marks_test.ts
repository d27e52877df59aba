import { assert, assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "./engine.ts";
import { MARK_REGION, readUint64, writeUint64 } from "./key_space.ts";
import {
  MARK_CHECK_BATCHES,
  MARK_DELETES_MAX,
  MarkScan,
  type MarkSpan,
  WriteMarks,
} from "./write_marks.ts";

function scanOf(batches: readonly number[]): MarkSpan | undefined {
  const scan = new MarkScan("/data");
  for (const batch of batches) {
    const key = Buffer.alloc(9, MARK_REGION);
    writeUint64(key, batch, 1);
    scan.add(key);
  }
  return scan.finish();
}

function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The marks of a database and how many entries of it are in memory. */
class FakeDatabase {
  readonly marks = new Set<number>();
  entriesInMemory = 0;
  deletesMost = 0;

  write(marks: WriteMarks, own: number): void {
    if (marks.checkDue) marks.forgetFlushed(this.entriesInMemory);
    let deletes = 0;
    marks.addTo({
      put: (key) => this.marks.add(readUint64(key, 1)),
      del: (key) => {
        const batch = readUint64(key, 1);
        assert(this.marks.delete(batch), `Mark ${batch} was deleted but never there`);
        deletes++;
      },
    }, own);
    this.deletesMost = Math.max(this.deletesMost, deletes);
    this.entriesInMemory += own + 1 + deletes;
  }

  /** Checks that no mark is missing in between, as the next open will. */
  reopen(): MarkSpan | undefined {
    return scanOf([...this.marks].toSorted((a, b) => a - b));
  }
}

Deno.test("MarkScan.finish() accepts marks without a gap, wherever they begin", () => {
  assertEquals(scanOf([]), undefined);
  assertEquals(scanOf([1]), { oldest: 1, newest: 1 });
  assertEquals(scanOf(span(700, 900)), { oldest: 700, newest: 900 });
});

Deno.test("MarkScan.finish() names the missing batches, the path and the way out", () => {
  const marks = [...span(5, 10), 12, ...span(20, 30)];
  const error = assertThrows(() => scanOf(marks), EngineError);
  assertEquals(error.kind, "corruption");
  assertEquals(
    error.message,
    "Cannot open the database '/data': write batches 11, 13 to 19 are missing from its " +
      "write-ahead log; wipe the directory and let the node rejoin as a new member",
  );
});

Deno.test("MarkScan.finish() keeps its message short when there are many gaps", () => {
  const error = assertThrows(() => scanOf(span(1, 1_000).map((i) => 2 * i)), EngineError);
  assert(error.message.includes("3, 5, 7, 9, 11, 13, 15, 17 and others are missing"));
});

Deno.test("MarkScan.add() refuses a key that is no mark", () => {
  const scan = new MarkScan("/data");
  assertThrows(() => scan.add(Buffer.of(MARK_REGION)), EngineError, "a mark that nobody wrote");
});

Deno.test("WriteMarks numbers batches on from what the database held", () => {
  const database = new FakeDatabase();
  const marks = new WriteMarks({ oldest: 40, newest: 41 }, 0);
  database.marks.add(40).add(41);
  database.write(marks, 3);
  assertEquals(database.reopen(), { oldest: 40, newest: 42 });
});

Deno.test("WriteMarks keeps every mark while nothing is flushed", () => {
  const database = new FakeDatabase();
  const marks = new WriteMarks(undefined, 0);
  for (let i = 0; i < 1_000; i++) database.write(marks, 2);
  assertEquals(database.reopen(), { oldest: 1, newest: 1_000 });
});

Deno.test("WriteMarks deletes flushed marks, few at a time, but never the newest flushed", () => {
  const database = new FakeDatabase();
  const marks = new WriteMarks(undefined, 0);
  for (let i = 0; i < 1_000; i++) database.write(marks, 2);
  // Batch 1,000 and the 10 entries before it are still in memory.
  database.entriesInMemory = 13;
  for (let i = 0; i < 300; i++) database.write(marks, 2);
  const found = database.reopen();
  assert(
    found && found.oldest >= 1_000 - 5 - MARK_CHECK_BATCHES,
    `Still there from ${found?.oldest}`,
  );
  assert(found.oldest < 1_000 - 4, `Mark ${found.oldest} is not known to be flushed`);
  assertEquals(found.newest, 1_300);
  assertEquals(database.deletesMost, MARK_DELETES_MAX);
});

Deno.test("WriteMarks leaves marks alone that were not flushed on opening", () => {
  const database = new FakeDatabase();
  for (const batch of span(1, 200)) database.marks.add(batch);
  database.entriesInMemory = 600;
  const marks = new WriteMarks({ oldest: 1, newest: 200 }, 600);
  for (let i = 0; i < 200; i++) database.write(marks, 2);
  assertEquals(database.reopen(), { oldest: 1, newest: 400 });
  database.entriesInMemory = 0;
  for (let i = 0; i < 200; i++) database.write(marks, 2);
  assert((database.reopen()?.oldest ?? 0) > 300);
});
