/** What `deno task bench` can be told, and what of it makes sense. */
import { boolFlag, choiceFlag, defineFlags, intFlag } from "../../runtime/flags.ts";
import { CALLERS_MAX, callersFlag, loadFlags } from "./load_flags.ts";

/** Whose turn it may be. */
export const SYSTEM_NAMES = ["ours", "etcd"] as const;
export type SystemName = typeof SYSTEM_NAMES[number];

export interface ComparisonOptions {
  /** Numbers of callers to measure through each system's own client path. */
  readonly callers: readonly number[];
  /** Requests in flight of the unary measurements. */
  readonly unaryCallers: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Keys that are there before anything is measured. */
  readonly keys: number;
  readonly valueBytes: number;
  /** How often the order ours, etcd, etcd, ours is gone through. */
  readonly rounds: number;
  /** Which systems take part. */
  readonly systems: readonly SystemName[];
  /** Where the systems keep their data. */
  readonly directory: string | undefined;
  readonly format: "text" | "json";
  /** Put the table and the chart into docs/. */
  readonly write: boolean;
}

const QUICK = { callers: [1, 64, 256], warmup: 1_000, duration: 2_000, keys: 20_000 };

const flags = defineFlags("bench", {
  ...loadFlags,
  callers: callersFlag,
  unaryCallers: intFlag({
    default: 256,
    min: 1,
    max: CALLERS_MAX,
    help: "`requests` in flight of the unary measurements",
  }),
  keys: intFlag({ default: 500_000, min: 1, max: 1e8, help: "`number` of keys loaded first" }),
  rounds: intFlag({ default: 1, min: 1, max: 100, help: "`times` ours, etcd, etcd, ours" }),
  only: choiceFlag({
    default: "both",
    choices: ["both", ...SYSTEM_NAMES],
    help: "measure one system and compare nothing",
  }),
  quick: boolFlag({ help: "few callers, short measurements, few keys: shows that it works" }),
  write: boolFlag({ help: "put the table and the chart into docs/" }),
});

/**
 * Reads the command line.
 *
 * @throws {FlagError} When a flag is unknown or its value makes no sense
 * @throws {HelpRequested} When help was asked for
 */
export function parseComparisonOptions(args: readonly string[]): ComparisonOptions {
  const { values, rest, given } = flags.parse(args);
  if (rest[0] !== undefined) {
    throw flags.error(`Cannot use argument '${rest[0]}': bench takes only flags`);
  }
  if (values.write && values.only !== "both") {
    throw flags.error("Cannot use -write with -only: the documentation compares both");
  }
  const pick = <Name extends keyof typeof QUICK>(name: Name) =>
    values.quick && !given.has(name) ? QUICK[name] : values[name];
  return {
    callers: pick("callers"),
    unaryCallers: values.unaryCallers,
    warmupMs: pick("warmup"),
    durationMs: pick("duration"),
    keys: pick("keys"),
    valueBytes: values.valueSize,
    rounds: values.rounds,
    systems: values.only === "both" ? SYSTEM_NAMES : [values.only],
    directory: values.dir === "" ? undefined : values.dir,
    format: values.o,
    write: values.write,
  };
}
