import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { KeyRange } from "./engine.ts";
import {
  appliedKey,
  generationRange,
  MACHINE_PREFIX_BYTES,
  machineKey,
  machinePrefix,
  machineRange,
  MARK_REGION,
  nodeKey,
  type NodeRecord,
  readUint64,
  writeUint64,
} from "./key_space.ts";

const RECORDS: readonly NodeRecord[] = ["identity", "logStart", "generation", "peers"];
const indexes = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
);
const generations = fc.oneof(fc.nat(2 ** 32 - 2), fc.constantFrom(0, 255, 256, 2 ** 32 - 2));
const OPTIONS = { seed: 5, numRuns: 200 };

function holds({ start, end }: KeyRange, key: Uint8Array): boolean {
  return Buffer.compare(start, key) <= 0 && Buffer.compare(key, end) < 0;
}

Deno.test("readUint64() returns what writeUint64() wrote, at any offset of any view", () => {
  fc.assert(
    fc.property(indexes, fc.nat(5), (value, offset) => {
      const key = Buffer.alloc(offset + 9, 0xee);
      writeUint64(key, value, offset);
      assertEquals(readUint64(key, offset), value);
      assertEquals(readUint64(new Uint8Array([7, ...key]).subarray(1), offset), value);
      assertEquals(key.at(-1), 0xee);
    }),
    OPTIONS,
  );
});

Deno.test("nodeKey() gives each record its own key", () => {
  assertEquals(new Set(RECORDS.map((record) => nodeKey(record).toString("hex"))).size, 4);
});

Deno.test("generationRange() holds one generation's keys and no other's", () => {
  fc.assert(
    fc.property(generations, generations, fc.uint8Array({ maxLength: 6 }), (own, other, key) => {
      fc.pre(own !== other);
      const range = generationRange(own);
      const machine = machineKey(machinePrefix(own), key);
      assert(holds(range, appliedKey(own)));
      assert(holds(range, machine));
      assert(Buffer.compare(appliedKey(own), machine) < 0, "The applied record must come first");
      assert(!holds(range, appliedKey(other)));
      assert(!holds(range, machineKey(machinePrefix(other), key)));
      assert(holds(machineRange(), machine));
    }),
    OPTIONS,
  );
});

Deno.test("machineKey() puts the prefix before the key, whose order it keeps", () => {
  const prefix = machinePrefix(9);
  assertEquals(prefix.length, MACHINE_PREFIX_BYTES);
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      const [keyA, keyB] = [machineKey(prefix, a), machineKey(prefix, b)];
      assertEquals(keyA.subarray(MACHINE_PREFIX_BYTES), Buffer.from(a));
      assertEquals(Buffer.compare(keyA, keyB), Buffer.compare(a, b));
    }),
    OPTIONS,
  );
});

Deno.test("no key of a node is in the region of the engines' marks", () => {
  const keys = [...RECORDS.map(nodeKey), appliedKey(2 ** 32 - 1)];
  for (const key of [...keys, machineRange().end]) {
    assert((key[0] ?? 0) < MARK_REGION);
  }
});
