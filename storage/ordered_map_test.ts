import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createPrng } from "../runtime/prng.ts";
import { OrderedMap } from "./ordered_map.ts";

const EVERYTHING = { start: Buffer.alloc(0), end: Buffer.alloc(8, 0xff) };

function keyOf(number: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(number);
  return key;
}

function content(map: OrderedMap): [number, string][] {
  return map.slice(EVERYTHING, Infinity).map(({ key, value }) => [key.readUInt32BE(), `${value}`]);
}

function sorted(model: ReadonlyMap<number, string>): [number, string][] {
  return [...model].sort(([a], [b]) => a - b);
}

Deno.test("OrderedMap stays sorted over many chunks, whatever the order of changes", () => {
  const steps = fc.array(fc.record({ key: fc.nat(2_000), drop: fc.nat(4) }), {
    minLength: 500,
    maxLength: 3_000,
  });
  const property = fc.property(steps, (list) => {
    const map = new OrderedMap();
    const model = new Map<number, string>();
    for (const { key, drop } of list) {
      if (drop === 0) {
        map.delete(keyOf(key));
        model.delete(key);
      } else {
        map.set(keyOf(key), Buffer.from(`${drop}`));
        model.set(key, `${drop}`);
      }
    }
    assertEquals(content(map), sorted(model));
    assertEquals(map.size, model.size);
    assertEquals(map.bytes, model.size * 5);
  });
  fc.assert(property, { numRuns: 20, seed: 3 });
});

Deno.test("OrderedMap.snapshot() and its origin change independently", () => {
  const prng = createPrng(11);
  const maps = [{ map: new OrderedMap(), model: new Map<number, string>() }];
  for (let step = 0; step < 6_000; step++) {
    const at = prng.below(maps.length);
    const chosen = maps[at];
    if (!chosen) continue;
    if (step % 1_000 === 999) {
      maps.push({ map: chosen.map.snapshot(), model: new Map(chosen.model) });
    }
    const key = prng.below(1_500);
    if (prng.below(4) === 0) {
      chosen.map.delete(keyOf(key));
      chosen.model.delete(key);
    } else {
      chosen.map.set(keyOf(key), Buffer.from(`${step}`));
      chosen.model.set(key, `${step}`);
    }
  }
  assertEquals(maps.length, 7);
  for (const { map, model } of maps) {
    assertEquals(content(map), sorted(model));
    for (let key = 0; key < 1_500; key++) {
      assertEquals(map.get(keyOf(key))?.toString(), model.get(key));
    }
  }
});

Deno.test("OrderedMap.slice() crosses chunks in both directions", () => {
  const map = new OrderedMap();
  for (let key = 0; key < 1_000; key++) map.set(keyOf(key), keyOf(key));
  const range = { start: keyOf(100), end: keyOf(900) };
  const numbers = (reverse: boolean, limit: number) =>
    map.slice(range, limit, reverse).map(({ key }) => key.readUInt32BE());
  assertEquals(numbers(false, Infinity), Array.from({ length: 800 }, (_, i) => 100 + i));
  assertEquals(numbers(true, Infinity), Array.from({ length: 800 }, (_, i) => 899 - i));
  assertEquals(numbers(true, 2), [899, 898]);
});
