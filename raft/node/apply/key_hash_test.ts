import { assertEquals, assertNotEquals } from "@std/assert";
import { KeyHasher } from "./key_hash.ts";

const key = (text: string) => Buffer.from(text);

Deno.test("KeyHasher gives equal keys equal hashes, wherever they stand in memory", () => {
  const hasher = new KeyHasher("1");
  const within = key("..a key..").subarray(2, 7);
  assertEquals(hasher.hash(within), hasher.hash(new Uint8Array(key("a key"))));
});

Deno.test("KeyHasher hashes into signed integers of 32 bits", () => {
  const hasher = new KeyHasher("1");
  for (let length = 0; length < 40; length++) {
    for (const number of Object.values(hasher.hash(Buffer.alloc(length, 200)))) {
      assertEquals(number, number | 0);
    }
  }
});

Deno.test("KeyHasher tells apart keys that differ in a bit, in zeros at the end, and secrets", () => {
  const hasher = new KeyHasher("1");
  const plain = hasher.hash(key("some key"));
  const others = [
    hasher.hash(key("some kez")),
    hasher.hash(key("Some key")),
    hasher.hash(key("some key\0")),
    new KeyHasher("2").hash(key("some key")),
  ];
  for (const { a, b, c } of others) {
    assertNotEquals(a, plain.a);
    assertNotEquals(b, plain.b);
    assertNotEquals(c, plain.c);
  }
});

Deno.test("KeyHasher spreads similar keys over the first number and over its highest byte", () => {
  const hasher = new KeyHasher("1");
  const count = 100_000;
  const hashes = Array.from({ length: count }, (_, i) => hasher.hash(key(`key-${i}`)).a);
  // Of 100,000 in 2^32 about one pair is expected to meet.
  assertEquals(new Set(hashes).size >= count - 10, true);
  const perByte = new Map<number, number>();
  for (const a of hashes) perByte.set(a >>> 24, (perByte.get(a >>> 24) ?? 0) + 1);
  assertEquals(perByte.size, 256);
  // 391 each on average; 7 standard deviations.
  assertEquals([...perByte.values()].every((n) => n > 250 && n < 530), true);
});
