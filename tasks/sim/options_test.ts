import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FlagError, HelpRequested } from "../../runtime/flags.ts";
import { parseSimTaskOptions } from "./options.ts";

Deno.test("parseSimTaskOptions() takes a seed, a number of runs and a profile", () => {
  const options = parseSimTaskOptions(["--seed", "7", "-runs=3", "-profile", "lite", "-jobs", "2"]);
  assertEquals(options, {
    seed: 7,
    runs: 3,
    minutes: 0,
    profile: "lite",
    jobs: 2,
    keepGoing: false,
    trace: "",
    mutants: false,
    only: "",
  });
});

Deno.test("parseSimTaskOptions() leaves the number of seeds to the proof, unless told otherwise", () => {
  assertEquals(parseSimTaskOptions(["-mutants"]).runs, undefined);
  assertEquals(parseSimTaskOptions(["-mutants", "-runs", "5"]).runs, 5);
  assertEquals(parseSimTaskOptions(["-mutants", "-only", "vote"]).only, "vote");
});

Deno.test("parseSimTaskOptions() leaves the seed to chance and runs one, unless told otherwise", () => {
  const { seed, runs, profile, jobs } = parseSimTaskOptions([]);
  assertEquals({ seed, runs, profile }, { seed: undefined, runs: 1, profile: "swarm" });
  assertEquals(jobs, navigator.hardwareConcurrency);
  assertEquals(parseSimTaskOptions(["-minutes", "5"]).runs, undefined);
  assertEquals(parseSimTaskOptions(["-seed", "0"]).seed, 0);
});

Deno.test("parseSimTaskOptions() refuses what makes no sense", () => {
  for (
    const args of [
      ["-runs", "0"],
      ["-profile", "huge"],
      ["-runs", "2", "-minutes", "1"],
      ["-trace", "x", "-runs", "2"],
      ["-only", "vote"],
      ["-mutants", "-minutes", "1"],
      ["more"],
    ]
  ) assertThrows(() => parseSimTaskOptions(args), FlagError);
});

Deno.test("The help of sim names every exit code", () => {
  const { text } = assertThrows(() => parseSimTaskOptions(["-help"]), HelpRequested);
  for (const code of ["0 all held", "1 a checker", "2 the command", "3 the healed", "4 a node"]) {
    assertStringIncludes(text, code);
  }
});
