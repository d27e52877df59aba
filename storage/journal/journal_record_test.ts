import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createPrng } from "../../runtime/prng.ts";
import { bytesFrom, payloadOf, replaced } from "./journal_fixture.ts";
import { encodeRecord, findRecord, type Found } from "./journal_record.ts";

const SALT = 0x5a17_5a17;
const HEADER_BYTES = 16;
const SECTOR_BYTES = 512;

/** Places of a record that meet sectors in different ways; 24 is the first of a file. */
const PLACES = [24, 488, 496, 504, 512];

/** A file's content up to `at`, and behind it records of these lengths, numbered from 1. */
function fileOf(at: number, ...lengths: number[]): Buffer {
  const records = lengths.map((length, i) => encodeRecord(i + 1, [payloadOf(i + 1, length)], SALT));
  return Buffer.concat([payloadOf(0, at), ...records]);
}

function kindOf(file: Buffer, at: number): Found["kind"] {
  return findRecord(file, at, 1, SALT).kind;
}

function withBitFlipped(file: Buffer, bit: number): Buffer {
  const changed = Buffer.from(file);
  changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

/** Where the sectors begin that a record touches, none of them before it. */
function sectorsOf(at: number, end: number): number[] {
  const starts = [at];
  const next = (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES;
  for (let start = next; start < end; start += SECTOR_BYTES) starts.push(start);
  return starts;
}

function withoutSector(file: Buffer, start: number, end: number): Buffer {
  const next = (Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES;
  return Buffer.from(file).fill(0, start, Math.min(next, end));
}

Deno.test("findRecord() finds records of any length as they were written", () => {
  for (const length of [1, 7, 8, 9, 1_000, 1 << 20]) {
    const payload = payloadOf(length, length);
    const file = Buffer.concat([payloadOf(0, 24), encodeRecord(7, [payload], SALT)]);
    assertEquals(file.length % 8, 0, `${length} bytes`);
    const found = findRecord(file, 24, 7, SALT);
    assert(found.kind === "record", `${length} bytes`);
    assertEquals(found.record.sequence, 7);
    assert(found.record.payload.equals(payload));
    assertEquals(found.end, file.length);
    assertEquals(findRecord(file, found.end, 8, SALT).kind, "end");
  }
});

Deno.test("encodeRecord() joins parts, empty ones and views of larger arrays too", () => {
  const whole = Uint8Array.from({ length: 100 }, (_, i) => i);
  const parts = [whole.subarray(10, 13), new Uint8Array(0), Buffer.from(whole.buffer, 50, 9)];
  const found = findRecord(encodeRecord(1, parts, SALT), 0, 1, SALT);
  assert(found.kind === "record");
  assertEquals([...found.record.payload], [10, 11, 12, 50, 51, 52, 53, 54, 55, 56, 57, 58]);
});

Deno.test("encodeRecord() leaves nothing of other memory behind a payload", () => {
  using _ = replaced(Buffer, "allocUnsafe", (size) => Buffer.alloc(size, 0xff));
  const record = encodeRecord(1, [Buffer.of(1, 2, 3)], SALT);
  assertEquals([...record.subarray(HEADER_BYTES)], [1, 2, 3, 0, 0, 0, 0, 0]);
});

Deno.test("findRecord() takes numbers above 32 bits", () => {
  for (const sequence of [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
    const found = findRecord(encodeRecord(sequence, [Buffer.of(1)], SALT), 0, sequence, SALT);
    assert(found.kind === "record" && found.record.sequence === sequence, `${sequence}`);
  }
});

Deno.test("findRecord() refuses a sound record that has another number or another file's salt", () => {
  const record = encodeRecord(5, [payloadOf(5, 100)], SALT);
  for (const sequence of [1, 4, 6, 5 + 2 ** 32]) {
    assertEquals(findRecord(record, 0, sequence, SALT).kind, "damage", `${sequence}`);
  }
  for (let bit = 0; bit < 32; bit++) {
    assertEquals(findRecord(record, 0, 5, (SALT ^ (1 << bit)) >>> 0).kind, "damage", `${bit}`);
  }
});

Deno.test("findRecord() takes a record cut at any byte for the end", () => {
  for (const at of PLACES) {
    for (const length of [1, 8, 600]) {
      const file = fileOf(at, length);
      for (let cut = at; cut < file.length; cut++) {
        assertEquals(kindOf(file.subarray(0, cut), at), "end", `${length} bytes at ${at}: ${cut}`);
      }
    }
  }
});

Deno.test("findRecord() finds every bit that has changed in a record another follows", () => {
  for (const at of PLACES) {
    const file = fileOf(at, 600, 9);
    const end = at + HEADER_BYTES + 600;
    for (let bit = 8 * at; bit < 8 * end; bit++) {
      assertEquals(kindOf(withBitFlipped(file, bit), at), "damage", `bit ${bit} of one at ${at}`);
    }
  }
});

Deno.test("findRecord() finds every byte that has changed in a record many follow", () => {
  const file = fileOf(24, 9, 1, 1_000, 3, 70);
  for (let i = 24; i < 24 + HEADER_BYTES + 16; i++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const changed = Buffer.from(file);
      changed[i] = (changed[i] ?? 0) ^ mask;
      assertEquals(kindOf(changed, 24), "damage", `byte ${i} by ${mask}`);
    }
  }
});

Deno.test("findRecord() gives up on a torn record that is full of what looks like others", () => {
  const fake = Buffer.alloc(16);
  fake.writeUInt32BE(1 << 20, 4);
  fake.writeUInt32BE(2, 12);
  const payload = Buffer.alloc(4 << 20, fake);
  const torn = encodeRecord(1, [payload], SALT).subarray(0, -8);
  assertEquals(findRecord(torn, 0, 1, SALT).kind, "damage");
});

Deno.test("findRecord() never takes a changed last record for a sound one", () => {
  for (const at of PLACES) {
    const file = fileOf(at, 600);
    for (let bit = 8 * at; bit < 8 * file.length; bit++) {
      const kind = kindOf(withBitFlipped(file, bit), at);
      // A length that reaches beyond the file looks as if the rest was never written.
      const isLength = bit >= 8 * (at + 4) && bit < 8 * (at + 8);
      if (kind !== "end" || !isLength) assertEquals(kind, "damage", `bit ${bit} of one at ${at}`);
    }
  }
});

Deno.test("findRecord() takes a last record that lacks a sector for the end", () => {
  for (const at of PLACES) {
    for (const length of [1, 9, 480, 1_600]) {
      const file = fileOf(at, length);
      for (const start of sectorsOf(at, file.length)) {
        const torn = withoutSector(file, start, file.length);
        assertEquals(kindOf(torn, at), "end", `${length} bytes at ${at}: ${start}`);
      }
    }
  }
});

Deno.test("findRecord() takes a record that lacks a sector for damage if another follows", () => {
  for (const at of PLACES) {
    const file = fileOf(at, 1_600, 1);
    const end = at + HEADER_BYTES + 1_600;
    for (const start of sectorsOf(at, end)) {
      const damaged = withoutSector(file, start, end);
      assertEquals(kindOf(damaged, at), "damage", `sector at ${start} of one at ${at}`);
    }
  }
});

Deno.test("findRecord() takes any mix of lost sectors and a lost end for the end", () => {
  const property = fc.property(
    fc.constantFrom(...PLACES),
    fc.integer({ min: 1, max: 3_000 }),
    fc.array(fc.nat({ max: 7 }), { minLength: 1 }),
    fc.nat({ max: 4 }),
    (at, length, lost, sectorsCut) => {
      const file = fileOf(at, length);
      const sectors = sectorsOf(at, file.length);
      let torn: Buffer = file;
      for (const i of lost) {
        torn = withoutSector(torn, sectors[i % sectors.length] ?? at, file.length);
      }
      const cut = sectorsCut === 0 ? file.length : sectors.at(-sectorsCut) ?? at;
      assertEquals(kindOf(torn.subarray(0, cut), at), "end");
    },
  );
  fc.assert(property, { numRuns: 300, seed: 20_260_101 });
});

Deno.test("findRecord() takes zeros up to the end of a file for the end", () => {
  const file = Buffer.concat([fileOf(24, 9), Buffer.alloc(8_192)]);
  const end = 24 + HEADER_BYTES + 16;
  for (let length = end; length < end + 1_100; length++) {
    assertEquals(findRecord(file.subarray(0, length), end, 2, SALT).kind, "end", `${length}`);
  }
});

Deno.test("findRecord() does not mistake a client's value for a record behind a torn one", () => {
  const prng = createPrng(1);
  // What a client may have read from a backup: records with just the numbers to come.
  const journalBytes = (otherSalt: number) =>
    Buffer.concat(
      [2, 3, 4].map((sequence) => encodeRecord(sequence, [bytesFrom(prng, 50)], otherSalt)),
    );
  for (let shift = 0; shift < 8; shift++) {
    const tornWith = (otherSalt: number) => {
      const payload = [bytesFrom(prng, shift), journalBytes(otherSalt), bytesFrom(prng, 2_000)];
      const file = Buffer.concat([payloadOf(0, 24), encodeRecord(1, payload, SALT)]);
      return file.subarray(0, file.length - 100);
    };
    assertEquals(kindOf(tornWith(SALT + 1), 24), "end", `shifted by ${shift}`);
    // Only the salt makes the difference.
    if (shift === 0) assertEquals(kindOf(tornWith(SALT), 24), "damage");
  }
});

Deno.test("findRecord() takes ids in a client's value for no records, however many there are", () => {
  for (let shift = 0; shift < 8; shift++) {
    const ids = Buffer.alloc(8_000);
    // Within what a file of this size could have.
    for (let i = 0; i < 1_000; i++) ids.writeBigUInt64BE(BigInt(50 + i), 8 * i);
    const torn = encodeRecord(1, [bytesFrom(createPrng(shift), shift), ids], SALT);
    assertEquals(kindOf(Buffer.concat([payloadOf(0, 24), torn.subarray(0, 4_096)]), 24), "end");
  }
});
