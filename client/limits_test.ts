import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KEY_BYTES_MAX, keyBytes, VALUE_BYTES_MAX, valueBytes } from "./limits.ts";

Deno.test("valueBytes() makes UTF-8 of text, and no text spoils another", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.string({ unit: "grapheme", maxLength: 5_000, size: "max" }),
    fc.constantFrom("", "\ud83d\ude00", "a".repeat(3_000), "€".repeat(2_731)),
  );
  fc.assert(fc.property(fc.array(text, { maxLength: 60 }), (texts) => {
    const bytes = texts.map(valueBytes);
    assertEquals(bytes, texts.map((each) => Buffer.from(each, "utf8")));
  }));
});

Deno.test("text that has no UTF-8 is refused, as it would be taken for other text", () => {
  const message = "Cannot use a text with half a surrogate pair: it has no UTF-8";
  for (const text of ["\ud800", "k\udfff", "\udc00\ud800", "a".repeat(5_000) + "\ud800"]) {
    assertThrows(() => valueBytes(text), RangeError, message);
  }
  assertThrows(() => keyBytes("\ud800"), RangeError, message);
});

Deno.test("valueBytes() copies bytes, which their owner may change", () => {
  const owned = new Uint8Array([1, 2, 3]);
  const bytes = valueBytes(owned);
  owned.fill(0);
  assertEquals([...bytes], [1, 2, 3]);
});

Deno.test("keys and values out of bounds are refused with what they may have", () => {
  assertThrows(() => keyBytes(""), RangeError, "a key of 0 bytes: it must have 1 to 4096");
  assertThrows(() => keyBytes("é".repeat(2_049)), RangeError, "a key of 4098 bytes");
  assertEquals(keyBytes("é".repeat(2_048)).length, KEY_BYTES_MAX);
  assertThrows(
    () => valueBytes("x".repeat(VALUE_BYTES_MAX + 1)),
    RangeError,
    "a value of 1048577 bytes: it must have 1048576 or fewer",
  );
});
