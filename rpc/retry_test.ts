import { assert, assertEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../runtime/invariant.ts";
import { createPrng, type Prng } from "../runtime/prng.ts";
import { Backoff } from "./retry.ts";

/** Always draws the largest number. */
const highest: Prng = { below: (bound) => bound - 1 };

Deno.test("Backoff doubles its bound up to the maximum and starts over on reset()", () => {
  const backoff = new Backoff({ prng: highest, initialMs: 50, maxMs: 300 });
  assertEquals([1, 2, 3, 4, 5].map(() => backoff.next()), [50, 100, 200, 300, 300]);
  backoff.reset();
  assertEquals(backoff.next(), 50);
});

Deno.test("Backoff spreads its waits over the whole range", () => {
  const backoff = new Backoff({ prng: createPrng(1), initialMs: 8, maxMs: 8 });
  const seen = new Set<number>();
  for (let i = 0; i < 1_000; i++) seen.add(backoff.next());
  assertEquals([...seen].sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

Deno.test("Backoff refuses bounds that make no sense", () => {
  for (const [initialMs, maxMs] of [[0, 10], [10, 5], [1.5, 2], [1, Infinity]]) {
    assert(initialMs !== undefined && maxMs !== undefined);
    assertThrows(() => new Backoff({ prng: highest, initialMs, maxMs }), InvariantError);
  }
});
