/** What `deno task sim` can be told. */
import { boolFlag, choiceFlag, defineFlags, intFlag, stringFlag } from "../../runtime/flags.ts";
import { type Profile, PROFILES } from "../../tests/sim/options.ts";

export interface SimTaskOptions {
  /** First seed; undefined for one drawn by chance. */
  readonly seed: number | undefined;
  /** Seeds to run; undefined: as many as `minutes` allows, or as many as a proof takes. */
  readonly runs: number | undefined;
  readonly minutes: number;
  readonly profile: Profile;
  /** Seeds that run at the same time. */
  readonly jobs: number;
  /** Go on behind a seed that fails. */
  readonly keepGoing: boolean;
  /** File that gets every event; empty for none. */
  readonly trace: string;
  /** Hunt planted bugs instead. */
  readonly mutants: boolean;
  /** Only the planted bugs whose names contain it. */
  readonly only: string;
}

const SEED_MAX = 2 ** 48;
const JOBS_MAX = 64;

const EXIT_HELP = `
Exit codes: 0 all held, 1 a checker saw a violation, 2 the command line, 3 the healed system did not
get well in time, 4 a node or the code around it gave up, 5 all held but too little happened.`;

const flags = defineFlags("sim", {
  seed: intFlag({ default: 0, min: 0, max: SEED_MAX, help: "first `seed`; by chance if left out" }),
  runs: intFlag({ default: 1, min: 1, help: "`number` of seeds, from the first one on" }),
  minutes: intFlag({ default: 0, min: 0, max: 10_000, help: "run seeds for so many `minutes`" }),
  profile: choiceFlag({
    default: "swarm",
    choices: PROFILES,
    help: "swarm draws everything from the seed, lite is small, quick and mild, members changes " +
      "the members of one group all the time",
  }),
  jobs: intFlag({ default: 0, min: 0, max: JOBS_MAX, help: "seeds at a time; 0: one per core" }),
  keepGoing: boolFlag({ help: "do not stop at the first seed that fails" }),
  trace: stringFlag({ default: "", help: "`file` that gets every event of a single seed" }),
  mutants: boolFlag({ help: "show that planted bugs are caught, each within -runs (200) seeds" }),
  only: stringFlag({ default: "", help: "of -mutants those with `text` in their names" }),
}, { trailer: EXIT_HELP });

/**
 * Reads the command line.
 *
 * @throws {FlagError} When a flag is unknown or its value makes no sense
 * @throws {HelpRequested} When help was asked for
 */
export function parseSimTaskOptions(args: readonly string[]): SimTaskOptions {
  const { values, rest, given } = flags.parse(args);
  if (rest[0] !== undefined) {
    throw flags.error(`Cannot use argument '${rest[0]}': sim takes only flags`);
  }
  if (values.minutes > 0 && given.has("runs")) {
    throw flags.error("Cannot use -runs and -minutes together: choose one");
  }
  if (values.only !== "" && !values.mutants) {
    throw flags.error("Cannot use -only without -mutants");
  }
  if (values.mutants && (values.minutes > 0 || values.trace !== "")) {
    throw flags.error("Cannot use -mutants with -minutes or -trace");
  }
  if (values.trace !== "" && (values.minutes > 0 || values.runs > 1)) {
    throw flags.error("Cannot use -trace for more than one seed");
  }
  const { seed, runs, jobs, ...others } = values;
  return {
    ...others,
    seed: given.has("seed") ? seed : undefined,
    runs: values.minutes > 0 || (values.mutants && !given.has("runs")) ? undefined : runs,
    jobs: jobs === 0 ? navigator.hardwareConcurrency : jobs,
  };
}
