import { assert, assertEquals } from "@std/assert";
import { createPrng } from "../../../runtime/prng.ts";
import { type KnownLength, KnownLengths } from "./known_lengths.ts";

const key = (text: string) => Buffer.from(text);

Deno.test("KnownLengths knows what it was told, and nothing else", () => {
  const known = new KnownLengths({ secret: "1" });
  known.set(known.hash(key("a")), 0);
  known.set(known.hash(key("b")), "absent");
  known.set(known.hash(key("c")), 1 << 20);
  known.set(known.hash(key("c")), 3);
  assertEquals(["a", "b", "c", "d", ""].map((name) => known.get(known.hash(key(name)))), [
    0,
    "absent",
    3,
    undefined,
    undefined,
  ]);
});

Deno.test("KnownLengths.update() changes what is known and adds nothing", () => {
  const known = new KnownLengths({ secret: "1" });
  known.set(known.hash(key("a")), 1);
  known.update(known.hash(key("a")), "absent");
  known.update(known.hash(key("b")), 2);
  assertEquals([known.get(known.hash(key("a"))), known.get(known.hash(key("b")))], [
    "absent",
    undefined,
  ]);
  known.clear();
  assertEquals(known.get(known.hash(key("a"))), undefined);
});

Deno.test("KnownLengths tells keys apart that differ by zero bytes at their end", () => {
  const known = new KnownLengths({ secret: "1" });
  for (let zeros = 0; zeros < 9; zeros++) known.set(known.hash(Buffer.alloc(zeros)), zeros);
  for (let zeros = 0; zeros < 9; zeros++) {
    assertEquals(known.get(known.hash(Buffer.alloc(zeros))), zeros);
  }
});

Deno.test("KnownLengths keeps all keys while there is room", () => {
  const known = new KnownLengths({ secret: "7" });
  const count = 200_000;
  for (let i = 0; i < count; i++) known.set(known.hash(key(`key-${i}`)), i);
  for (let i = 0; i < count; i++) assertEquals(known.get(known.hash(key(`key-${i}`))), i);
});

Deno.test("KnownLengths forgets keys once it is full, and is never wrong about one", () => {
  const known = new KnownLengths({ secret: "3", entriesMax: 4_096 });
  const prng = createPrng(5);
  const truth = new Map<number, KnownLength>();
  let hits = 0;
  for (let step = 0; step < 100_000; step++) {
    const number = prng.below(8_192);
    const found = known.get(known.hash(key(`key-${number}`)));
    if (found !== undefined) {
      assertEquals(found, truth.get(number));
      hits++;
    }
    const length = prng.below(4) === 0 ? "absent" : prng.below(1 << 20);
    truth.set(number, length);
    if (prng.below(2) === 0) known.set(known.hash(key(`key-${number}`)), length);
    else known.update(known.hash(key(`key-${number}`)), length);
  }
  // Half of the keys have room.
  assert(hits > 25_000 && hits < 60_000, `${hits} keys were known`);
});
