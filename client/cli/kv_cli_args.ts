/** What `shardkvclient` was asked to do: from words to a command. */
import { parseAddressList } from "../../rpc/address.ts";
import {
  boolFlag,
  choiceFlag,
  defineFlags,
  durationFlag,
  intFlag,
  valueFlag,
} from "../../runtime/flags.ts";
import { type BenchCommand, parseBench } from "../bench/bench_args.ts";
import { CALL_TIMEOUT_MS_MAX } from "../kv_clerk.ts";
import { UsageError, wrongCount } from "./cli_usage.ts";

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

const USAGE = `Usage: shardkvclient [options] <command> [args]
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
                               -mode put|get|append|mixed|scan, -read-ratio P, -value-size N,
                               -keys N, -clients N, -duration D, -rate N, -record FILE
`;

const CONTROLLERS_DEFAULT = "localhost:50051,localhost:50052,localhost:50053";
const FORMATS = ["text", "json", "raw"] as const;

const flags = defineFlags("shardkvclient", {
  ctrlers: valueFlag({
    default: parseAddressList(CONTROLLERS_DEFAULT),
    defaultText: `"${CONTROLLERS_DEFAULT}"`,
    placeholder: "addresses",
    help: "comma separated addresses of shardctrler nodes",
    parse: parseAddressList,
  }),
  timeout: durationFlag({
    default: 30_000,
    min: 1,
    max: CALL_TIMEOUT_MS_MAX,
    help: "give up after this long",
  }),
  o: choiceFlag({ default: "text", choices: FORMATS, help: "output format" }),
  eraftStrict: boolFlag({ help: "try for ever and always exit with 0, as eRaft's client does" }),
}, { trailer: USAGE, hasVersion: true });

const scanFlags = defineFlags("scan", {
  limit: intFlag({ default: 0, min: 0, help: "most keys to list, 0 for all" }),
  keysOnly: boolFlag({ help: "leave the values out" }),
});

/** @throws {FlagError | HelpRequested | VersionRequested | UsageError} When the words make no request */
export function parseRequest(args: readonly string[]): KvRequest {
  const { values, rest } = flags.parse(args);
  const { ctrlers: controllers, timeout, o: format, eraftStrict: strict } = values;
  const timeoutMs = strict ? CALL_TIMEOUT_MS_MAX : timeout;
  return { command: parseCommand(rest), controllers, timeoutMs, format, strict };
}

function parseCommand(words: readonly string[]): KvCommand {
  const [verb, ...args] = words;
  const [key = "", value = "", third = ""] = args;
  switch (verb) {
    case undefined:
      throw new UsageError("Cannot start: no command is given", USAGE);
    case "get":
    case "delete":
      requireArguments(verb, args, 1, `${verb} <key>`);
      return { kind: verb, key };
    case "put":
    case "append":
      requireArguments(verb, args, 2, `${verb} <key> <value>`);
      return { kind: verb, key, value };
    case "cas":
      requireArguments(verb, args, 3, "cas <key> <expected> <new>");
      return { kind: "cas", key, expected: value, value: third };
    case "scan":
      return parseScan(args);
    case "status":
      requireArguments(verb, args, 0, "status");
      return { kind: "status" };
    case "bench":
      return parseBench(args);
    default:
      throw new UsageError(
        `Cannot do "${verb}": the commands are get, put, append, delete, cas, scan, status, bench`,
      );
  }
}

function requireArguments(
  verb: string,
  args: readonly string[],
  count: number,
  form: string,
): void {
  if (args.length !== count) throw wrongCount(verb, args, count, form);
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
