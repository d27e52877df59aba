import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createPrng, randomId, randomSeed } from "./prng.ts";

function draw(seed: number, count = 20): number[] {
  const prng = createPrng(seed);
  return Array.from({ length: count }, () => prng.below(1_000_000));
}

Deno.test("createPrng() repeats itself for equal seeds and differs for others", () => {
  assertEquals(draw(7), draw(7));
  assertNotEquals(draw(7), draw(8));
  assertNotEquals(draw(7), draw(7 + 2 ** 32), "the high half of the seed counts");
});

Deno.test("createPrng() draws every value about equally often, below any bound", () => {
  const prng = createPrng(42);
  const counts = new Array<number>(7).fill(0);
  for (let i = 0; i < 70_000; i++) {
    const value = prng.below(7);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  assertEquals(counts.length, 7);
  for (const count of counts) assert(count > 9_500 && count < 10_500, String(counts));
  assertEquals(prng.below(1), 0);
  const wide = prng.below(2 ** 32);
  assert(wide >= 0 && wide < 2 ** 32);
});

Deno.test("createPrng() refuses bounds it cannot serve", () => {
  const prng = createPrng(1);
  for (const bound of [0, -1, 1.5, 2 ** 32 + 1, NaN, Infinity]) {
    assertThrows(() => prng.below(bound), RangeError, `below ${bound}`);
  }
});

Deno.test("randomSeed() gives safe integers that differ", () => {
  const seeds = new Set(Array.from({ length: 100 }, randomSeed));
  assertEquals(seeds.size, 100);
  for (const seed of seeds) assert(Number.isSafeInteger(seed) && seed >= 0);
});

Deno.test("randomId() gives different uint64s other than 0, the same for the same seed", () => {
  const [one, two] = [createPrng(7), createPrng(7)];
  const drawn = new Set<string>();
  for (let i = 0; i < 1_000; i++) {
    const id = randomId(one);
    assert(BigInt(id) > 0n && BigInt(id) < 2n ** 64n);
    assertEquals(randomId(two), id);
    drawn.add(id);
  }
  assertEquals(drawn.size, 1_000);
  assertEquals(randomId({ below: () => 0 }), "1");
});
