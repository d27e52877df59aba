/** What `shardkvclient bench` was asked to do: from words to a load. */
import {
  choiceFlag,
  defineFlags,
  durationFlag,
  intFlag,
  stringFlag,
  valueFlag,
} from "../../runtime/flags.ts";
import { CALLS_PENDING_MAX } from "../calls/dispatcher.ts";
import { UsageError } from "../cli/cli_usage.ts";
import { CALL_TIMEOUT_MS_MAX } from "../kv_clerk.ts";
import { VALUE_BYTES_MAX } from "../limits.ts";
import { BENCH_MODES, type BenchLoad } from "./bench.ts";

export interface BenchCommand extends BenchLoad {
  readonly kind: "bench";
  /** Where acknowledged keys are written down. */
  readonly record: string | undefined;
}

const REQUESTS_MAX = 1e9;
/** A million requests a second is beyond one process. */
const RATE_MAX = 1e6;

const USAGE = `Usage: bench <num_requests> [num_clients]
  num_requests: Total number of requests to execute
  num_clients:  Number of concurrent clients (default: 1)
`;

const flags = defineFlags("bench", {
  mode: choiceFlag({ default: "put", choices: BENCH_MODES, help: "what the requests do" }),
  readRatio: valueFlag({
    default: 0.5,
    defaultText: "0.5",
    placeholder: "part",
    help: "`part` of the requests of -mode mixed that read, 0 to 1",
    parse: parsePart,
  }),
  valueSize: intFlag({
    default: 0,
    min: 0,
    max: VALUE_BYTES_MAX,
    help: "`bytes` of a value, 0 for a short text",
  }),
  keys: intFlag({ default: 0, min: 0, max: 1e8, help: "number of keys, 0 for one per put" }),
  clients: intFlag({
    default: 1,
    min: 1,
    max: CALLS_PENDING_MAX,
    help: "concurrent clients; the same as num_clients",
  }),
  duration: durationFlag({
    default: 0,
    max: CALL_TIMEOUT_MS_MAX,
    help: "how long requests begin, 0 for until num_requests are done",
  }),
  rate: intFlag({
    default: 0,
    min: 0,
    max: RATE_MAX,
    help: "requests a `second`, answered or not, 0 for each client one after the other",
  }),
  record: stringFlag({
    default: "",
    help: "`file` for acknowledged keys and their values' hashes",
  }),
});

/** @throws {FlagError | HelpRequested | UsageError} When the words make no load */
export function parseBench(args: readonly string[]): BenchCommand {
  const { values, rest, given } = flags.parse(args);
  const [requests, clients] = rest;
  const { mode, readRatio, valueSize, keys, duration, rate, record } = values;
  if (requests === undefined && duration === 0) {
    throw new UsageError("Cannot bench: neither a number nor -duration is given", USAGE);
  }
  if (rest.length > 2) {
    throw new UsageError(
      `Cannot bench with "${rest.join(" ")}": options come before <num_requests>`,
    );
  }
  if (clients !== undefined && given.has("clients")) {
    throw new UsageError("Cannot use both -clients and num_clients: choose one");
  }
  if (given.has("readRatio") && mode !== "mixed") {
    throw new UsageError(`Cannot use -read-ratio with -mode ${mode}: only mixed has a ratio`);
  }
  if (record !== "" && (mode !== "put" || keys !== 0)) {
    throw new UsageError(
      "Cannot use -record with -keys or another -mode: values would be replaced",
    );
  }
  return {
    kind: "bench",
    requests: requests === undefined ? undefined : positive(requests, "requests", REQUESTS_MAX),
    durationMs: orNone(duration),
    ratePerSecond: orNone(rate),
    clients: clients === undefined
      ? values.clients
      : positive(clients, "clients", CALLS_PENDING_MAX),
    mode,
    readRatio,
    valueBytes: orNone(valueSize),
    keys: orNone(keys),
    record: record === "" ? undefined : record,
  };
}

/** 0 stands for a flag that was left out. */
function orNone(value: number): number | undefined {
  return value === 0 ? undefined : value;
}

function positive(text: string, what: string, max: number): number {
  const value = /^\+?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= 1 && value <= max) return value;
  throw new UsageError(`Invalid number of ${what}: "${text}" is not an integer in 1..${max}`);
}

function parsePart(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= 0 && value <= 1) return value;
  throw new RangeError("It must be a number from 0 to 1");
}
