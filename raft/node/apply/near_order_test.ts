import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createPrng } from "../../../runtime/prng.ts";
import { nearOrder } from "./near_order.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
const recordsOf = (keys: readonly Uint8Array[]) => keys.map((key) => ({ key }));

/** How many keys come behind one that they sort before. */
function outOfOrder(keys: readonly Uint8Array[]): number {
  const inOrder = [...nearOrder(recordsOf(keys))].map((at) => keys[at] as Uint8Array);
  return inOrder.filter((key, i) => i > 0 && Buffer.compare(inOrder[i - 1] as Buffer, key) > 0)
    .length;
}

Deno.test("nearOrder() names every position once, whatever the keys", () => {
  const key = fc.uint8Array({ minLength: 0, maxLength: 12 });
  fc.assert(fc.property(fc.array(key, { maxLength: 400, size: "max" }), (keys) => {
    const order = [...nearOrder(recordsOf(keys))];
    assertEquals(order.toSorted((a, b) => a - b), upTo(keys.length));
  }));
});

Deno.test("nearOrder() puts keys of some shards and a long prefix nearly in order", () => {
  const prng = createPrng(1);
  const keys = upTo(2_048).map(() => {
    const name = `tenants/blue/users/${String(prng.below(500_000)).padStart(9, "0")}`;
    return Buffer.from([4, 0, prng.below(64), 0, 0, 0, 1, 2, ...Buffer.from(name)]);
  });
  // Records about shards are few among them, and must not count as what tells keys apart.
  for (let i = 0; i < keys.length; i += 32) keys[i] = Buffer.from([2, 0, i / 32]);
  assert(outOfOrder(keys) < 250, `${outOfOrder(keys)} of 2,048 are out of order`);
});

Deno.test("nearOrder() keeps equal ranks in the order they came", () => {
  const keys = upTo(300).map((i) => Buffer.from([i % 3]));
  const order = [...nearOrder(recordsOf(keys))];
  assertEquals(order, [0, 1, 2].flatMap((rank) => upTo(300).filter((i) => i % 3 === rank)));
});

Deno.test("nearOrder() leaves few keys as they are", () => {
  const keys = upTo(100).map((i) => Buffer.from([100 - i]));
  assertEquals([...nearOrder(recordsOf(keys))], upTo(100));
});

Deno.test("nearOrder() leaves more keys than it has positions for as they are", () => {
  const records = new Array<{ key: Uint8Array }>(2 ** 21 + 2).fill({ key: Buffer.of(1) });
  const order = nearOrder(records);
  assert(order.every((at, i) => at === i));
});
