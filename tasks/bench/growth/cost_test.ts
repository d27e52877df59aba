import { assertEquals } from "@std/assert";
import { type Cost, judge, type Law } from "./cost.ts";

const KEYS = [1_000, 10_000, 100_000];

function holds(law: Law, values: readonly number[], slack = 0): boolean {
  const cost: Cost = { name: "cost", law, values, slack, show: String };
  return judge(cost, KEYS.slice(0, values.length)).holds;
}

Deno.test("judge() lets a linear cost grow as the keys do, step by step, and no faster", () => {
  assertEquals(holds("linear", [1, 10, 100]), true);
  assertEquals(holds("linear", [5, 6, 7]), true);
  assertEquals(holds("linear", [1, 14, 200]), true);
  assertEquals(holds("linear", [1, 100, 10_000]), false);
  // A fixed part at first does not hide what the last step costs.
  assertEquals(holds("linear", [100, 101, 2_000]), false);
  assertEquals(holds("linear", [100, 101, 2_000], 500), true);
});

Deno.test("judge() holds what must not grow against the smallest number of keys", () => {
  assertEquals(holds("constant", [2, 2.5, 2.9]), true);
  assertEquals(holds("constant", [2, 1, 0.5]), true);
  assertEquals(holds("constant", [2, 2.9, 4.2]), false);
  assertEquals(holds("constant", [2, 2.9, 4.2], 1.5), true);
});

Deno.test("judge() tells how much dearer the most keys are, and takes one number of keys alone", () => {
  const cost: Cost = { name: "c", law: "linear", values: [2, 6], slack: 0, show: String };
  assertEquals(judge(cost, KEYS).growth, 3);
  assertEquals(judge({ ...cost, values: [2] }, KEYS), {
    growth: 1,
    holds: true,
    verdict: "no faster than the keys",
  });
});
