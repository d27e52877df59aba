import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Entry, EntryKind } from "../../types.ts";
import { decodeLogRecord, encodeLogRecord, type LogRecord } from "./log_record.ts";

const numbers = fc.maxSafeNat();

/** Any record; its entries follow each other. */
const logRecords: fc.Arbitrary<LogRecord> = fc.record({
  hardState: fc.record({ term: numbers, vote: numbers, commit: numbers }),
  entries: fc.tuple(
    fc.integer({ min: 1, max: 2 ** 50 }),
    fc.array(fc.record({
      term: numbers,
      kind: fc.constantFrom<EntryKind>("normal", "confChange"),
      data: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    })),
  ).map(([first, entries]) => entries.map((entry, i): Entry => ({ index: first + i, ...entry }))),
});

Deno.test("decodeLogRecord() reads what encodeLogRecord() wrote", () => {
  fc.assert(
    fc.property(logRecords, (record) => {
      assertEquals(decodeLogRecord(Buffer.concat(encodeLogRecord(record))), record);
    }),
    { seed: 5, numRuns: 300 },
  );
});

Deno.test("encodeLogRecord() leaves an entry's data where it is", () => {
  const data = Buffer.from("data");
  const hardState = { term: 1, vote: 0, commit: 0 };
  const parts = encodeLogRecord({
    hardState,
    entries: [{ index: 1, term: 1, kind: "normal", data }],
  });
  assertEquals(parts.filter((part) => part === data).length, 1);
});

Deno.test("decodeLogRecord() refuses a record that ends within an entry, or is of no kind it knows", () => {
  const hardState = { term: 1, vote: 0, commit: 0 };
  const entry: Entry = { index: 7, term: 1, kind: "normal", data: Buffer.from("data") };
  const bytes = Buffer.concat(encodeLogRecord({ hardState, entries: [entry] }));
  for (let length = 0; length < bytes.length; length++) {
    if (length === 32) continue;
    assertThrows(() => decodeLogRecord(bytes.subarray(0, length)), RangeError);
  }
  bytes[40] = 2;
  assertThrows(() => decodeLogRecord(bytes), RangeError, "log entry 7 at byte 32 of 49");
});
