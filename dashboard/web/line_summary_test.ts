import { assertEquals } from "@std/assert";
import { summarize } from "./line_summary.ts";

Deno.test("summarize() passes over gaps and does not take the last value for the latest", () => {
  assertEquals(summarize([2, null, 4]), { now: 4, lowest: 2, mean: 3, highest: 4 });
  assertEquals(summarize([2, 4, null]), { now: null, lowest: 2, mean: 3, highest: 4 });
  const nothing = { now: null, lowest: null, mean: null, highest: null };
  assertEquals(summarize([]), nothing);
  assertEquals(summarize([null]), nothing);
});
