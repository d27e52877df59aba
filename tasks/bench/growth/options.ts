/** What `deno task bench:growth` can be told, and what of it makes sense. */
import { boolFlag, choiceFlag, defineFlags, intFlag, valueFlag } from "../../../runtime/flags.ts";
import { CALLERS_MAX, loadFlags } from "../load_flags.ts";
import { parseNumbers } from "../number_list.ts";

/** What is measured by itself. */
export type GrowthPart = "size" | "groups" | "endurance" | "soak";

export interface GrowthOptions {
  readonly parts: readonly GrowthPart[];
  /** Numbers of keys, the lowest first. */
  readonly keys: readonly number[];
  /** Numbers of groups. */
  readonly groups: readonly number[];
  readonly valueBytes: number;
  /** Callers against every number of groups, and requests in flight of the soak. */
  readonly callers: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Requests of one run of the endurance part. */
  readonly requests: number;
  /** Runs of the endurance part, one after the other on the same cluster. */
  readonly runs: number;
  /** Length of the soak. */
  readonly soakMs: number;
  /** Where the servers keep their data. */
  readonly directory: string | undefined;
  readonly format: "text" | "json";
  /** Put what comes out into docs/. */
  readonly write: boolean;
}

const KEYS_MAX = 1e8;
const KEYS_DEFAULT = [10_000, 100_000, 1_000_000];
/** Every group is three processes of some 90 MB. */
const GROUPS_MAX = 16;
const GROUPS_DEFAULT = [1, 2, 4];
const MINUTE_MS = 60_000;

const flags = defineFlags("bench:growth", {
  ...loadFlags,
  only: choiceFlag({
    default: "growth",
    choices: ["growth", "size", "groups", "endurance", "soak"],
    help: "what to measure; growth is size and groups",
  }),
  keys: valueFlag({
    default: KEYS_DEFAULT,
    defaultText: KEYS_DEFAULT.join(","),
    placeholder: "numbers",
    help: "keys, one cluster for each; also of -only groups, which takes the first",
    parse: (text) => parseNumbers(text, KEYS_MAX).toSorted((a, b) => a - b),
  }),
  groups: valueFlag({
    default: GROUPS_DEFAULT,
    defaultText: GROUPS_DEFAULT.join(","),
    placeholder: "numbers",
    help: "groups, one cluster for each",
    parse: (text) => parseNumbers(text, GROUPS_MAX),
  }),
  callers: intFlag({
    default: 256,
    min: 1,
    max: CALLERS_MAX,
    help: "`callers` against every number of groups; of the soak, requests in flight",
  }),
  requests: intFlag({ default: 20_000, min: 1, max: 1e7, help: "of a run of -only endurance" }),
  runs: intFlag({ default: 10, min: 2, max: 1_000, help: "of -only endurance, `times` in a row" }),
  minutes: intFlag({ default: 10, min: 1, max: 1_440, help: "of -only soak" }),
  write: boolFlag({ help: "put what comes out into docs/benchmark.md" }),
});

/**
 * Reads the command line.
 *
 * @throws {FlagError} When a flag is unknown or its value makes no sense
 * @throws {HelpRequested} When help was asked for
 */
export function parseGrowthOptions(args: readonly string[]): GrowthOptions {
  const { values, rest } = flags.parse(args);
  if (rest[0] !== undefined) {
    throw flags.error(`Cannot use argument '${rest[0]}': bench:growth takes only flags`);
  }
  const { only, warmup, duration, minutes, dir, o, valueSize, ...others } = values;
  return {
    ...others,
    parts: only === "growth" ? ["size", "groups"] : [only],
    valueBytes: valueSize,
    warmupMs: warmup,
    durationMs: duration,
    soakMs: minutes * MINUTE_MS,
    directory: dir === "" ? undefined : dir,
    format: o,
  };
}
