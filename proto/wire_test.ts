import { assert, assertEquals, assertThrows } from "@std/assert";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { asBuffer, MessageWriter, readInt64, readUint64 } from "./wire.ts";

/** Where varints get another byte, and where numbers no longer fit into 28, 31, 32 and 53 bits. */
const NUMBERS = [
  ...[0, 1, 127, 128, 2 ** 14 - 1, 2 ** 14, 2 ** 21, 2 ** 28 - 1, 2 ** 28, 2 ** 31 - 1, 2 ** 31],
  ...[2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 35, 2 ** 42 + 5, 2 ** 53 - 1],
];

Deno.test("MessageWriter writes numbers as the library does", () => {
  for (const number of NUMBERS) {
    const expected = new BinaryWriter().uint64(number).int64(number).finish();
    assertEquals(new MessageWriter().uint64(number).int64(number).finish(), expected);
  }
  const expected = new BinaryWriter().int64(-1).uint64("18446744073709551615").int64(-5n).finish();
  const written = new MessageWriter().int64(-1).uint64("18446744073709551615").int64(-5n).finish();
  assertEquals(written, expected);
});

Deno.test("MessageWriter refuses what is no whole number", () => {
  for (const number of [1.5, NaN, Infinity]) {
    assertThrows(() => new MessageWriter().uint64(number));
    assertThrows(() => new MessageWriter().int64(number));
  }
  assertThrows(() => new MessageWriter().uint64(-1));
});

Deno.test("readUint64() and readInt64() read what was written, one behind the other", () => {
  const writer = new BinaryWriter();
  for (const number of NUMBERS) writer.uint64(number).int64(number).int64(-number);
  const reader = new BinaryReader(asBuffer(writer.finish()));
  for (const number of NUMBERS) {
    assertEquals(readUint64(reader), number);
    assertEquals(readInt64(reader), number);
    assertEquals(readInt64(reader), number === 0 ? 0 : -number);
  }
  assertEquals(reader.pos, reader.len);
});

Deno.test("readUint64() and readInt64() refuse numbers that are not safe, and ends within one", () => {
  const readerOf = (writer: BinaryWriter) => new BinaryReader(asBuffer(writer.finish()));
  assertThrows(
    () => readUint64(readerOf(new BinaryWriter().uint64("9007199254740992"))),
    RangeError,
  );
  assertThrows(
    () => readInt64(readerOf(new BinaryWriter().int64("-9007199254740992"))),
    RangeError,
  );
  for (const bytes of [[], [0x80], [0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff, 0xff]]) {
    assertThrows(() => readUint64(new BinaryReader(Buffer.from(bytes))));
    assertThrows(() => readInt64(new BinaryReader(Buffer.from(bytes))));
  }
  // No number has more than ten bytes.
  assertThrows(() => readUint64(new BinaryReader(Buffer.alloc(11, 0xff))));
});

Deno.test("MessageWriter is used again, but not while another message is being written", () => {
  const first = MessageWriter.take();
  const second = MessageWriter.take();
  assert(first !== second);
  first.uint32(1).finish();
  assert(MessageWriter.take() === first);
  // One that was left in the middle of a message is not given to anybody.
  assert(MessageWriter.take() !== second);
});
