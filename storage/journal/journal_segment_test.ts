import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../engine.ts";
import { contentBetween, payloadOf, withDirectory } from "./journal_fixture.ts";
import {
  firstOfName,
  parseSegment,
  Segment,
  type SegmentContent,
  segmentName,
} from "./journal_segment.ts";

const HEADER_BYTES = 24;
const PATH = "/data/journal/a-file";
const SALT = 0x8000_0001;

/** Puts records from `from` on, one of each length, behind what a segment has. */
async function putAll(segment: Segment, from: number, lengths: readonly number[]): Promise<void> {
  for (const [i, length] of lengths.entries()) {
    segment.put(from + i, [payloadOf(from + i, length)]);
    await segment.sync();
  }
}

/** The content of a file with records from `first` on, one of each length. */
async function bytesOf(first: number, ...lengths: number[]): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  await withDirectory(async (directory) => {
    const segment = Segment.begin(`${directory}/file`, first, SALT);
    await putAll(segment, first, lengths);
    segment.close();
    bytes = Buffer.from(await Deno.readFile(`${directory}/file`));
    assertEquals(segment.bytes, bytes.length);
  });
  return bytes;
}

function parse(file: Buffer, first: number, isNewest: boolean): SegmentContent | undefined {
  return parseSegment(file, { path: PATH, first, isNewest });
}

function assertCorruption(file: Buffer, first: number, isNewest: boolean, what = ""): void {
  const error = assertThrows(() => parse(file, first, isNewest), EngineError, PATH, what);
  assertEquals(error.kind, "corruption", what);
}

function textOf(content: SegmentContent | undefined): string[] | undefined {
  return content?.records.map(({ sequence, payload }) =>
    `${sequence} ${payload.toString("base64")}`
  );
}

Deno.test("segmentName() gives names that sort as their numbers do, and can be read back", () => {
  const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  const property = fc.property(fc.array(number), (numbers) => {
    const sorted = numbers.toSorted((a, b) => a - b);
    const names = numbers.map(segmentName).sort();
    assertEquals(names, sorted.map(segmentName));
    assertEquals(names.map(firstOfName), sorted);
  });
  fc.assert(property, { seed: 20_260_101 });
});

Deno.test("firstOfName() ignores names that are none of the journal's", () => {
  const own = segmentName(1);
  assertEquals(own, "0000000000000001.journal");
  for (const name of ["1.journal", `0${own}`, `${own}.tmp`, `.${own}`, "CURRENT", ".journal", ""]) {
    assertEquals(firstOfName(name), undefined, name);
  }
});

Deno.test("parseSegment() finds what was put, in a newest and in an older file", async () => {
  for (const first of [1, 77, 2 ** 32 + 1]) {
    const file = await bytesOf(first, 8, 1, 1_000);
    for (const isNewest of [true, false]) {
      const content = parse(file, first, isNewest);
      assertEquals(content?.first, first);
      assertEquals(content?.salt, SALT);
      assertEquals(content?.end, file.length);
      const expected = [8, 1, 1_000].flatMap((length, i) =>
        contentBetween(first + i, first + i, length)
      );
      assertEquals(textOf(content), expected);
    }
  }
});

Deno.test("parseSegment() finds a file without records empty", async () => {
  const file = await bytesOf(9);
  assertEquals(file.length, HEADER_BYTES);
  assertEquals(parse(file, 9, true)?.records, []);
  assertEquals(parse(file, 9, true)?.end, HEADER_BYTES);
});

Deno.test("parseSegment() refuses a header with any bit changed", async () => {
  const file = await bytesOf(3, 10);
  for (let bit = 0; bit < 8 * HEADER_BYTES; bit++) {
    const changed = Buffer.from(file);
    changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    for (const isNewest of [true, false]) assertCorruption(changed, 3, isNewest, `bit ${bit}`);
  }
});

Deno.test("parseSegment() refuses a file that has the name of another", async () => {
  const file = await bytesOf(3, 10);
  for (const first of [1, 2, 4, 3 + 2 ** 32]) {
    for (const isNewest of [true, false]) assertCorruption(file, first, isNewest, `${first}`);
  }
});

Deno.test("parseSegment() takes a newest file without a whole header for none", async () => {
  const file = await bytesOf(3, 10);
  for (let length = 0; length < HEADER_BYTES; length++) {
    assertEquals(parse(file.subarray(0, length), 3, true), undefined, `${length}`);
    assertCorruption(file.subarray(0, length), 3, false, `${length}`);
  }
});

Deno.test("parseSegment() takes a newest file of zeros only for none", () => {
  for (const length of [1, 23, 24, 25, 512, 4_096]) {
    assertEquals(parse(Buffer.alloc(length), 3, true), undefined, `${length}`);
    assertCorruption(Buffer.alloc(length), 3, false, `${length}`);
  }
});

// Of lengths that need no zeros behind them; those are journal_record_test.ts's affair.
const EVEN_LENGTHS = [8, 16, 96];
const EVEN_ENDS = [24, 48, 80, 192];

Deno.test("parseSegment() finds a prefix of a newest file cut anywhere behind its header", async () => {
  const file = await bytesOf(3, ...EVEN_LENGTHS);
  assertEquals(file.length, EVEN_ENDS.at(-1));
  const whole = textOf(parse(file, 3, true)) ?? [];
  for (let length = HEADER_BYTES; length <= file.length; length++) {
    const ends = EVEN_ENDS.filter((end) => end <= length);
    const content = parse(file.subarray(0, length), 3, true);
    assertEquals(textOf(content), whole.slice(0, ends.length - 1), `${length}`);
    assertEquals(content?.end, ends.at(-1), `${length}`);
  }
});

Deno.test("parseSegment() refuses a torn end of an older file", async () => {
  const file = await bytesOf(3, ...EVEN_LENGTHS);
  for (let length = HEADER_BYTES; length < file.length; length++) {
    // A file that ends between two records is found by the name of the next one.
    if (EVEN_ENDS.includes(length)) continue;
    assertCorruption(file.subarray(0, length), 3, false, `${length}`);
  }
  assertCorruption(Buffer.concat([file, Buffer.alloc(512)]), 3, false, "zeros behind");
  assertCorruption(Buffer.concat([file, Buffer.of(1)]), 3, false, "a byte behind");
});

Deno.test("parseSegment() says which record is damaged, where, and what to do", async () => {
  const file = await bytesOf(3, ...EVEN_LENGTHS);
  file[64] = 0;
  const error = assertThrows(() => parse(file, 3, true), EngineError);
  assertEquals(
    error.message,
    `Cannot open the journal '${PATH}': record 4 at byte 48 is not as it was written; ` +
      "wipe the directory and let the node rejoin as a new member",
  );
});

Deno.test("Segment.continue() cuts off what is behind the last record, and goes on there", async () => {
  const torn = (await bytesOf(3, ...EVEN_LENGTHS)).subarray(0, 150);
  await withDirectory(async (directory) => {
    await Deno.writeFile(`${directory}/file`, torn);
    const content = parse(torn, 3, true);
    assert(content !== undefined);
    const segment = Segment.continue(`${directory}/file`, content);
    assertEquals(segment.bytes, 80);
    assertEquals((await Deno.stat(`${directory}/file`)).size, 80);
    await putAll(segment, 5, [7, 600]);
    segment.close();
    const found = parse(Buffer.from(await Deno.readFile(`${directory}/file`)), 3, false);
    const expected = [8, 16, 7, 600].flatMap((length, i) => contentBetween(3 + i, 3 + i, length));
    assertEquals(textOf(found), expected);
  });
});

Deno.test("Segment.begin() never writes over a file that is there", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "something");
    assertThrows(() => Segment.begin(`${directory}/file`, 1, SALT), Deno.errors.AlreadyExists);
    assertEquals(await Deno.readTextFile(`${directory}/file`), "something");
  });
});
