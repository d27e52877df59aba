/** `deno task sim --mutants`: the proof that the simulator finds what it is there to find. */
import { MUTANTS } from "../../tests/sim/mutants/mod.ts";
import { EXIT_CODES } from "../../tests/sim/failure.ts";
import { type MutantReport, prove } from "./mutation/prove.ts";
import { describeMutant, describeProof } from "./mutation/table.ts";
import type { SimTaskOptions } from "./options.ts";

/** Every proof begins with the same seed unless told otherwise. */
const FIRST_SEED = 1;
/** Seeds within which each bug must be found. */
const SEEDS_MAX = 200;

/** @returns The exit code */
export async function proveMutants(
  options: SimTaskOptions,
  say: (text: string) => void,
): Promise<number> {
  const { seed = FIRST_SEED, runs = SEEDS_MAX, profile, jobs } = options;
  const chosen = MUTANTS.filter(({ name }) => name.includes(options.only));
  const startedAt = performance.now();
  const reports: MutantReport[] = [];
  await prove({
    root: await Deno.realPath(`${import.meta.dirname}/../..`),
    mutants: chosen,
    firstSeed: seed,
    seedsMax: runs,
    profile,
    jobs,
    onReport: (report) => {
      reports.push(report);
      say(describeMutant(report));
    },
  });
  say(describeProof(reports, performance.now() - startedAt));
  const isProof = reports.length > 0 && reports.every(({ verdict }) => verdict.kind === "caught");
  return isProof ? EXIT_CODES.ok : EXIT_CODES.violation;
}
