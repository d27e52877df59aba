/** What `deno task faults` can be told. */
import { boolFlag, choiceFlag, defineFlags, intFlag, stringFlag } from "../../runtime/flags.ts";

export interface FaultOptions {
  /** Undefined for one drawn by chance. */
  readonly seed: number | undefined;
  readonly minutes: number;
  /** Names of nemeses; empty for all. */
  readonly only: readonly string[];
  /** Faults to inject at least, whatever time it takes; 0: as many as the time allows. */
  readonly times: number;
  readonly groups: number;
  readonly json: boolean;
  readonly list: boolean;
}

const SEED_MAX = 2 ** 48;
const GROUPS_MAX = 5;

const flags = defineFlags("faults", {
  seed: intFlag({
    default: 0,
    min: 0,
    max: SEED_MAX,
    help: "decides about the faults; drawn if 0",
  }),
  minutes: intFlag({ default: 3, min: 1, max: 10_000, help: "begin rounds for so many `minutes`" }),
  only: stringFlag({ default: "", help: "only these faults, by `names` with commas (-list)" }),
  times: intFlag({
    default: 0,
    min: 0,
    max: 1_000_000,
    help: "inject at least this `number` of faults of each kind, and forget about -minutes",
  }),
  groups: intFlag({ default: 2, min: 2, max: GROUPS_MAX, help: "`number` of groups of three" }),
  o: choiceFlag({ default: "text", choices: ["text", "json"], help: "format of the table" }),
  list: boolFlag({ help: "list the faults and end" }),
}, {
  trailer: `
Exit codes: 0 all held, 1 something did not, or too little happened, 2 the command line.`,
});

/**
 * Reads the command line.
 *
 * @param names What `-only` may name
 * @throws {FlagError} When a flag is unknown or its value makes no sense
 * @throws {HelpRequested} When help was asked for
 */
export function parseFaultOptions(
  args: readonly string[],
  names: readonly string[],
): FaultOptions {
  const { values, rest, given } = flags.parse(args);
  if (rest[0] !== undefined) {
    throw flags.error(`Cannot use argument '${rest[0]}': faults takes only flags`);
  }
  if (values.times > 0 && given.has("minutes")) {
    throw flags.error("Cannot use -times and -minutes together: choose one");
  }
  const only = values.only.split(",").filter((name) => name !== "");
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw flags.error(`Cannot use '${unknown}': -list shows the faults there are`);
  }
  const { seed, minutes, times, groups, list } = values;
  return {
    seed: seed === 0 ? undefined : seed,
    minutes,
    only,
    times,
    groups,
    list,
    json: values.o === "json",
  };
}
