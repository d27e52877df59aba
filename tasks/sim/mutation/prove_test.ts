import { assertEquals, assertMatch } from "@std/assert";
import { type Mutant, MUTANTS } from "../../../tests/sim/mutants/mod.ts";
import { type MutantReport, prove, type Verdict } from "./prove.ts";
import { describeMutant, describeProof } from "./table.ts";

const root = await Deno.realPath(`${import.meta.dirname}/../../..`);

/** Hunts in the first seed of the small profile. */
async function verdicts(hunted: readonly Mutant[]): Promise<Map<string, Verdict>> {
  const found = new Map<string, Verdict>();
  await prove({
    root,
    mutants: hunted,
    firstSeed: 1,
    seedsMax: 1,
    profile: "lite",
    jobs: 2,
    onReport: ({ mutant, verdict }) => found.set(mutant.name, verdict),
  });
  return found;
}

Deno.test("prove() catches planted bugs, and only bugs", async () => {
  const caught = MUTANTS.filter(({ name }) => name === "promise-before-disk");
  const file = "raft/membership/quorum.ts";
  const find = "return Math.floor(size / 2) + 1;";
  const harmless: Mutant = {
    name: "no-bug",
    breaks: "Nothing.",
    file,
    find,
    replace: "return 1 + Math.floor(size / 2);",
  };
  const stale: Mutant = { name: "stale-bug", breaks: "Nothing.", file, find: "?", replace: "" };
  const found = await verdicts([...caught, harmless, stale]);
  const kinds = [...found].map(([name, { kind }]) => [name, kind]).sort();
  assertEquals(kinds, [
    ["no-bug", "survives"],
    ["promise-before-disk", "caught"],
    ["stale-bug", "broken"],
  ]);
  const verdict = found.get("promise-before-disk");
  assertMatch(verdict?.kind === "caught" ? verdict.text : "", /^Violation of "9 no promise/);
});

Deno.test("The table names each bug, its verdict and the first words of what failed", () => {
  const mutant: Mutant = { name: "a-bug", breaks: "A.", file: "b.ts", find: "c", replace: "d" };
  const text = 'Violation of "8 at most one vote per term": two\nmore';
  const report: MutantReport = {
    mutant,
    verdict: { kind: "caught", seeds: 3, text },
    elapsedMs: 4_200,
  };
  assertMatch(
    describeMutant(report),
    /^a-bug +4 s {2}caught after 3 seeds: Violation of "8 at most one vote per term": two\n$/,
  );
  const survivor: MutantReport = { ...report, verdict: { kind: "survives", seeds: 200 } };
  assertMatch(describeMutant(survivor), /SURVIVES 200 seeds/);
  assertEquals(
    describeProof([report, survivor], 9_000),
    "1 of 2 planted bugs caught in 9 s\n",
  );
});
