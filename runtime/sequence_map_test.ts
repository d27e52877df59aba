import { assertEquals, assertFalse } from "@std/assert";
import { createPrng } from "./prng.ts";
import { SequenceMap } from "./sequence_map.ts";

function content(map: SequenceMap<{ n: number }>): [number, number][] {
  return [...map.entries()].map(([number, { n }]) => [number, n]);
}

Deno.test("SequenceMap: holds what was set, in ascending order", () => {
  const map = new SequenceMap<{ n: number }>();
  for (const n of [5, 9, 7, 1]) map.set(n, { n });
  map.set(7, { n: 70 });
  assertEquals(content(map), [[1, 1], [5, 5], [7, 70], [9, 9]]);
  assertEquals(map.values(), [{ n: 1 }, { n: 5 }, { n: 70 }, { n: 9 }]);
  assertEquals([map.size, map.get(7)?.n, map.get(6)], [4, 70, undefined]);
});

Deno.test("SequenceMap: what was removed is gone, and may come back", () => {
  const map = new SequenceMap<{ n: number }>();
  for (const n of [1, 2, 3]) map.set(n, { n });
  assertEquals([map.delete(2), map.delete(2), map.delete(4)], [true, false, false]);
  assertEquals([map.size, map.get(2)], [2, undefined]);
  map.set(2, { n: 20 });
  assertEquals(content(map), [[1, 1], [2, 20], [3, 3]]);
  map.clear();
  assertEquals([map.size, map.get(1), content(map)], [0, undefined, []]);
});

Deno.test("SequenceMap: deleteBelow removes and tells, in order, and nothing else", () => {
  const map = new SequenceMap<{ n: number }>();
  for (const n of [1, 2, 3, 6, 8]) map.set(n, { n });
  map.delete(2);
  const told: number[] = [];
  map.deleteBelow(6, ({ n }) => told.push(n));
  assertEquals([told, content(map)], [[1, 3], [[6, 6], [8, 8]]]);
  map.deleteBelow(100, ({ n }) => told.push(n));
  map.deleteBelow(100, ({ n }) => told.push(n));
  assertEquals([told, map.size], [[1, 3, 6, 8], 0]);
});

Deno.test("SequenceMap: behaves like a Map, whatever comes in whatever order", () => {
  const prng = createPrng(7);
  const map = new SequenceMap<{ n: number }>();
  const model = new Map<number, { n: number }>();
  let next = 0;
  for (let step = 0; step < 20_000; step++) {
    const near = Math.max(0, next - prng.below(50));
    const choice = prng.below(100);
    if (choice < 40) {
      // Mostly behind all others, sometimes between them or in place of one.
      const number = choice < 30 ? next++ : near;
      map.set(number, { n: step });
      model.set(number, { n: step });
    } else if (choice < 90) {
      const [first] = [...model.keys()].sort((a, b) => a - b);
      const number = choice < 70 && first !== undefined ? first : near;
      assertEquals(map.delete(number), model.delete(number));
    } else if (choice < 98) {
      const deleted: number[] = [];
      map.deleteBelow(near, ({ n }) => deleted.push(n));
      const below = [...model].filter(([number]) => number < near).sort(([a], [b]) => a - b);
      for (const [number] of below) model.delete(number);
      assertEquals(deleted, below.map(([, { n }]) => n));
    } else if (choice === 98 && step % 7 === 0) {
      map.clear();
      model.clear();
    }
    assertEquals(map.get(near), model.get(near));
    assertEquals(map.size, model.size);
    if (step % 100 === 0) {
      const sorted = [...model].sort(([a], [b]) => a - b);
      assertEquals([...map.entries()], sorted);
      const visited: [number, { n: number }][] = [];
      map.forEach((number, value) => visited.push([number, value]));
      assertEquals(visited, sorted);
    }
  }
  assertFalse(next < 1_000);
});
