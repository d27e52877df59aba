/** What `shardkvclient` was asked to do: from words to a command. */
import { parseAddressList } from "../rpc/address.ts";
import {
  boolFlag,
  choiceFlag,
  defineFlags,
  durationFlag,
  intFlag,
  stringFlag,
  valueFlag,
} from "../runtime/flags.ts";
import { type BenchMode, benchModes } from "./bench.ts";
import { UsageError } from "./cli_usage.ts";
import { callsPendingMax } from "./dispatcher.ts";
import { callTimeoutMsMax } from "./kv_clerk.ts";
import { valueBytesMax } from "./limits.ts";

export type KvCommand =
  | { readonly kind: "get" | "delete"; readonly key: string }
  | { readonly kind: "put" | "append"; readonly key: string; readonly value: string }
  | {
    readonly kind: "cas";
    readonly key: string;
    readonly expected: string;
    readonly value: string;
  }
  | {
    readonly kind: "scan";
    readonly prefix: string;
    readonly limit: number;
    readonly keysOnly: boolean;
  }
  | { readonly kind: "status" }
  | BenchCommand;

export interface BenchCommand {
  readonly kind: "bench";
  readonly requests: number;
  readonly clients: number;
  readonly mode: BenchMode;
  /** Bytes of each value; undefined: eRaft's short texts. */
  readonly valueBytes: number | undefined;
  /** Number of different keys; undefined: every put has its own. */
  readonly keys: number | undefined;
  /** Where acknowledged keys are written down. */
  readonly record: string | undefined;
}

/** How results are printed. */
export type OutputFormat = "text" | "json" | "raw";

export interface KvRequest {
  readonly command: KvCommand;
  readonly controllers: readonly string[];
  readonly timeoutMs: number;
  readonly format: OutputFormat;
  /** As eRaft: tries for ever and always ends with 0. */
  readonly strict: boolean;
}

export const usage = `Usage: shardkvclient [options] <command> [args]
Commands:
  get <key>                    Get value for key
  put <key> <value>            Put value for key
  append <key> <value>         Append value to key
  delete <key>                 Delete key
  cas <key> <expected> <new>   Put new value if key holds the expected one
  scan [options] [prefix]      List keys and values in order
                               -limit N, -keys-only
  status                       Get cluster status
  bench [options] <num> [clients]  Run benchmark with random KV pairs
                               num: total requests
                               clients: concurrent clients (default: 1)
                               -mode put|get|append|mixed, -value-size N, -keys N, -record FILE
`;

const benchUsage = `Usage: bench <num_requests> [num_clients]
  num_requests: Total number of requests to execute
  num_clients:  Number of concurrent clients (default: 1)
`;

const controllersDefault = "localhost:50051,localhost:50052,localhost:50053";
const formats = ["text", "json", "raw"] as const;

const flags = defineFlags("shardkvclient", {
  ctrlers: valueFlag({
    default: parseAddressList(controllersDefault),
    defaultText: `"${controllersDefault}"`,
    placeholder: "addresses",
    help: "comma separated addresses of shardctrler nodes",
    parse: parseAddressList,
  }),
  timeout: durationFlag({
    default: 30_000,
    min: 1,
    max: callTimeoutMsMax,
    help: "give up after this long",
  }),
  o: choiceFlag({ default: "text", choices: formats, help: "output format" }),
  eraftStrict: boolFlag({ help: "try for ever and always exit with 0, as eRaft's client does" }),
}, { trailer: usage, hasVersion: true });

const scanFlags = defineFlags("scan", {
  limit: intFlag({ default: 0, min: 0, help: "most keys to list, 0 for all" }),
  keysOnly: boolFlag({ help: "leave the values out" }),
});

const benchFlags = defineFlags("bench", {
  mode: choiceFlag({ default: "put", choices: benchModes, help: "what the requests do" }),
  valueSize: intFlag({
    default: 0,
    min: 0,
    max: valueBytesMax,
    help: "`bytes` of a value, 0 for a short text",
  }),
  keys: intFlag({ default: 0, min: 0, max: 1e8, help: "number of keys, 0 for one per put" }),
  record: stringFlag({
    default: "",
    help: "`file` for acknowledged keys and their values' hashes",
  }),
});

/** @throws {FlagError | HelpRequested | VersionRequested | UsageError} When the words make no request */
export function parseRequest(args: readonly string[]): KvRequest {
  const { values, rest } = flags.parse(args);
  const { ctrlers: controllers, timeout, o: format, eraftStrict: strict } = values;
  const timeoutMs = strict ? callTimeoutMsMax : timeout;
  return { command: parseCommand(rest), controllers, timeoutMs, format, strict };
}

function parseCommand(words: readonly string[]): KvCommand {
  const [verb, ...args] = words;
  const [key = "", value = "", third = ""] = args;
  switch (verb) {
    case undefined:
      throw new UsageError("Cannot start: no command is given", usage);
    case "get":
    case "delete":
      requireArguments(args, 1, `${verb} <key>`);
      return { kind: verb, key };
    case "put":
    case "append":
      requireArguments(args, 2, `${verb} <key> <value>`);
      return { kind: verb, key, value };
    case "cas":
      requireArguments(args, 3, "cas <key> <expected> <new>");
      return { kind: "cas", key, expected: value, value: third };
    case "scan":
      return parseScan(args);
    case "status":
      requireArguments(args, 0, "status");
      return { kind: "status" };
    case "bench":
      return parseBench(args);
    default:
      throw new UsageError(
        `Cannot do "${verb}": the commands are get, put, append, delete, cas, scan, status, bench`,
      );
  }
}

function requireArguments(args: readonly string[], count: number, form: string): void {
  if (args.length === count) return;
  throw new UsageError(`Cannot use ${args.length} arguments`, `Usage: ${form}\n`);
}

function parseScan(args: readonly string[]): KvCommand {
  const { values, rest } = scanFlags.parse(args);
  if (rest.length > 1) {
    throw new UsageError(
      `Cannot scan with the arguments "${rest.join(" ")}": options come first, then one prefix`,
    );
  }
  const limit = values.limit === 0 ? Infinity : values.limit;
  return { kind: "scan", prefix: rest[0] ?? "", limit, keysOnly: values.keysOnly };
}

function parseBench(args: readonly string[]): BenchCommand {
  const { values, rest } = benchFlags.parse(args);
  const [requests, clients = "1"] = rest;
  if (requests === undefined) throw new UsageError("Cannot bench: no number is given", benchUsage);
  if (rest.length > 2) {
    throw new UsageError(
      `Cannot bench with "${rest.join(" ")}": options come before <num_requests>`,
    );
  }
  const { mode, valueSize, keys, record } = values;
  if (record !== "" && (mode !== "put" || keys !== 0)) {
    throw new UsageError(
      "Cannot use -record with -keys or another -mode: values would be replaced",
    );
  }
  return {
    kind: "bench",
    requests: positive(requests, "requests", 1e9),
    clients: positive(clients, "clients", callsPendingMax),
    mode,
    valueBytes: valueSize === 0 ? undefined : valueSize,
    keys: keys === 0 ? undefined : keys,
    record: record === "" ? undefined : record,
  };
}

function positive(text: string, what: string, max: number): number {
  const value = /^\+?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= 1 && value <= max) return value;
  throw new UsageError(`Invalid number of ${what}: "${text}" is not an integer in 1..${max}`);
}
