import { assert, assertEquals } from "@std/assert";
import { createPrng, type Prng } from "../runtime/prng.ts";
import { backoffMs } from "./retry.ts";

/** Always draws the largest number. */
const highest: Prng = { below: (bound) => bound - 1 };
const BOUNDS = { initialMs: 50, maxMs: 300 };

Deno.test("backoffMs() doubles up to the longest wait", () => {
  const waits = [0, 1, 2, 3, 4, 1_000].map((attempt) => backoffMs(attempt, highest, BOUNDS));
  assertEquals(waits, [49, 99, 199, 299, 299, 299]);
});

Deno.test("backoffMs() draws half of each wait", () => {
  const prng = createPrng(1);
  const waits = Array.from({ length: 1_000 }, () => backoffMs(0, prng, BOUNDS));
  assert(waits.every((ms) => ms >= 25 && ms < 50));
  assert(new Set(waits).size > 20, "The waits must be spread");
});
