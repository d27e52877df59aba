/** What `deno task bench:turns` can be told. */
import { choiceFlag, defineFlags, durationFlag, intFlag } from "../../../runtime/flags.ts";
import { callersFlag, loadFlags } from "../load_flags.ts";
import type { Operation } from "../measurement.ts";

/** Systems that a contender can be. */
export const SYSTEM_NAMES = ["ours", "bare", "etcd"] as const;
export type SystemName = typeof SYSTEM_NAMES[number];

/** One that takes turns with the others. */
export interface Contender {
  readonly name: string;
  readonly system: SystemName;
  /** A checkout of this project; undefined for the one that runs. */
  readonly checkout: string | undefined;
  /** What V8 is told beyond what the project tells it, with commas; undefined for nothing. */
  readonly v8Flags: string | undefined;
}

export interface TurnsOptions {
  readonly contenders: readonly Contender[];
  readonly operation: Operation;
  readonly callers: readonly number[];
  /** Turns of each contender with each number of callers. */
  readonly rounds: number;
  readonly warmupMs: number;
  /** Of one turn. */
  readonly durationMs: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** Where the systems keep their data. */
  readonly directory: string | undefined;
}

const TRAILER = `Contenders, two or more, are written [name=]system[@flags of V8]. A system is ours,
bare (the bare store), etcd, or the path of another checkout of this project:
  deno task bench:turns ours before=../eraft-before
  deno task bench:turns -callers 256 ours bare etcd
  deno task bench:turns ours again=ours young=ours@--min-semi-space-size=32
`;

const { o: _, duration: __, ...load } = loadFlags;
const flags = defineFlags("bench:turns", {
  ...load,
  callers: callersFlag,
  duration: durationFlag({ default: 2_000, min: 500, help: "of each turn" }),
  keys: intFlag({ default: 100_000, min: 1, max: 1e8, help: "`number` of keys loaded first" }),
  op: choiceFlag({ default: "put", choices: ["put", "get"], help: "what callers do" }),
  rounds: intFlag({ default: 12, min: 2, max: 1_000, help: "`turns` of each with each" }),
}, { trailer: TRAILER });

/**
 * Reads the command line.
 *
 * @throws {FlagError} When a flag is unknown, its value makes no sense, or
 * there are not two contenders of different names
 * @throws {HelpRequested} When help was asked for
 */
export function parseTurnsOptions(args: readonly string[]): TurnsOptions {
  const { values, rest } = flags.parse(args);
  const contenders = rest.map(contenderOf);
  if (contenders.length < 2) {
    throw flags.error(`Cannot compare ${contenders.length} of two contenders or more`);
  }
  const names = contenders.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw flags.error(`Two contenders are called '${twice}': name one, as in other=${twice}`);
  }
  if (values.op === "get" && contenders.some(({ system }) => system === "bare")) {
    throw flags.error("Cannot use -op get with bare: the bare store takes only puts");
  }
  return {
    contenders,
    operation: values.op,
    callers: values.callers,
    rounds: values.rounds,
    warmupMs: values.warmup,
    durationMs: values.duration,
    keys: values.keys,
    valueBytes: values.valueSize,
    directory: values.dir === "" ? undefined : values.dir,
  };
}

function contenderOf(text: string): Contender {
  const [, name, place = "", v8Flags] = /^(?:([^=@]+)=)?([^@]*)(?:@(.+))?$/s.exec(text) ?? [];
  if (place === "") throw flags.error(`Cannot use contender '${text}': it names no system`);
  const system = SYSTEM_NAMES.find((known) => known === place);
  return {
    name: name ?? text,
    system: system ?? "ours",
    checkout: system === undefined ? place : undefined,
    v8Flags,
  };
}
