import { assert, assertEquals } from "@std/assert";
import { isSealed, seal, unseal } from "./record_checksum.ts";
import { appliedKey, machineKey, machinePrefix, nodeKey } from "./key_space.ts";

const key = machineKey(machinePrefix(1), Buffer.from("k"));

Deno.test("seal() keeps values of any length, and unseal() gives them back", () => {
  for (const length of [0, 1, 4, 5, 1_000]) {
    const value = Buffer.alloc(length, 7);
    assertEquals(unseal(key, seal(key, value)), value);
  }
});

Deno.test("unseal() finds every bit that has changed, in value, checksum and key", () => {
  const stored = seal(key, Buffer.from("value"));
  for (let bit = 0; bit < 8 * stored.length; bit++) {
    const damaged = Buffer.from(stored);
    damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    assertEquals(unseal(key, damaged), undefined, `bit ${bit}`);
  }
  const other = machineKey(machinePrefix(1), Buffer.from("l"));
  assertEquals(unseal(other, stored), undefined);
  assertEquals(unseal(key, stored.subarray(0, 3)), undefined);
});

Deno.test("isSealed() is true of what a machine keeps, and of nothing else", () => {
  assert([key, appliedKey(1)].every(isSealed));
  assert(![nodeKey("identity"), Buffer.of(0x7f, 1)].some(isSealed));
});
