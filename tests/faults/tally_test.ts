import { assertEquals, assertStringIncludes } from "@std/assert";
import { complaint, type RoundResult, type RunResult, tallyJson, tallyText } from "./tally.ts";

const ROUND: RoundResult = {
  fault: "kill-leader",
  deeds: ["kill -9 100-0"],
  recovery: { writtenMs: 400, servedMs: 900 },
  commands: 1_000,
  lost: 0,
  violation: undefined,
};

function run(...rounds: Partial<RoundResult>[]): RunResult {
  return { seed: 7, rounds: rounds.map((each) => ({ ...ROUND, ...each })), skipped: [] };
}

Deno.test("complaint() names what was wrong, and refuses a run in which too little happened", () => {
  assertEquals(complaint(run({})), undefined);
  assertEquals(complaint(run({}, { violation: "lost" })), "kill-leader: lost");
  assertEquals(
    complaint(run({}, { deeds: [] })),
    "kill-leader: a round has injected nothing",
  );
  assertEquals(
    complaint(run({ commands: 99 })),
    "kill-leader: only 99 commands were acknowledged in a round, at least 100 are needed",
  );
  assertEquals(complaint(run()), "Not a single round was run");
});

Deno.test("the table has a line for each fault, and one for all", () => {
  const result = run({}, { recovery: { writtenMs: 600, servedMs: 700 } }, {
    fault: "storm",
    deeds: ["a", "b"],
    lost: 2,
    violation: "lost",
    recovery: undefined,
  });
  assertEquals(
    tallyText({ ...result, skipped: [{ fault: "disk-full", why: "not root" }] }).split("\n"),
    [
      "FAULT        ROUNDS  COUNT  WRITES p50/p99 ms  SERVED p50/p99 ms  COMMANDS  LOST  VIOLATIONS",
      "kill-leader       2      2  400 / 600          700 / 900              2000     0           0",
      "storm             1      2  none               none                   1000     2           1",
      "all               3      4  400 / 600          700 / 900              3000     2           1",
      "disk-full was left out: not root",
      "",
    ],
  );
  const { faults, seed } = JSON.parse(tallyJson(result));
  assertEquals(seed, 7);
  assertEquals(faults[0], {
    fault: "kill-leader",
    rounds: 2,
    faults: 2,
    writtenMs: { p50: 400, p99: 600 },
    servedMs: { p50: 700, p99: 900 },
    commands: 2_000,
    lost: 0,
    violations: 0,
  });
  assertStringIncludes(tallyJson(result), '"writtenMs":null');
});
