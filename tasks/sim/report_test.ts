import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Figures, NO_FIGURES } from "../../tests/sim/statistics.ts";
import { describeReproduction, describeSeed, whyIdle } from "./report.ts";

const BUSY: Figures = { ...NO_FIGURES, commands: 2_000, faults: { crash: 100 } };

Deno.test("A batch proves something only if enough was committed and enough went wrong", () => {
  assertEquals(whyIdle(BUSY, 20), undefined);
  assertStringIncludes(whyIdle({ ...BUSY, commands: 100 }, 20) ?? "", "5.0 commands");
  const lossy = { ...BUSY, faults: { "message lost": 5_000, crash: 10 } };
  assertStringIncludes(whyIdle(lossy, 20) ?? "", "0.5 faults");
  assertEquals(whyIdle(NO_FIGURES, 19), undefined, "A small batch is not judged");
});

Deno.test("A failed seed is reported with its class and everything it says of itself", () => {
  const text = 'Violation of "1 election safety": two';
  const failure = { class: "violation", text, timeline: undefined } as const;
  const said = describeSeed({ seed: 5, hash: "ab", figures: BUSY, failure, elapsedMs: 1_500 });
  assertStringIncludes(said, "seed 5 VIOLATION hash ab in 1.5 s");
  assertStringIncludes(said, 'Violation of "1 election safety": two');
});

Deno.test("The last line names the command that does the same again", () => {
  const expected = "Reproduce: deno task sim --seed 9 --runs 1 --profile lite\n";
  assertEquals(describeReproduction(9, 1, "lite"), expected);
});
