/** The command line of `shardctrlerserver`. */
import { parseAddress, parseAddressList } from "../rpc/address.ts";
import {
  boolFlag,
  choiceFlag,
  defineFlags,
  durationFlag,
  intFlag,
  stringFlag,
  valueFlag,
} from "../runtime/flags.ts";
import { type LogFormat, logFormats, type LogLevel, logLevels } from "../runtime/logger.ts";
import { SHARDS_DEFAULT, SHARDS_MAX } from "./config.ts";

/** What one server was told on its command line. */
export interface ServerSettings {
  /** Place in `members`, from 0; may lie outside of it. */
  readonly id: number;
  readonly members: readonly string[];
  /** Where the data is. */
  readonly directory: string;
  /** Where to listen; undefined for this server's entry in `members`. */
  readonly listen: string | undefined;
  /** Undefined: as many as the cluster has, or the default for a new one. */
  readonly shards: number | undefined;
  readonly clusterToken: string;
  readonly forward: boolean;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Stop when standard input ends. */
  readonly exitWithParent: boolean;
}

const CLUSTER_DEFAULT = "127.0.0.1:50051,127.0.0.1:50052,127.0.0.1:50053";

const flags = defineFlags("shardctrlerserver", {
  id: intFlag({ default: 0, help: "node id: place in -cluster, from 0" }),
  cluster: valueFlag({
    default: parseAddressList(CLUSTER_DEFAULT),
    defaultText: `"${CLUSTER_DEFAULT}"`,
    placeholder: "addresses",
    help: "cluster addresses, the same on every node",
    parse: parseAddressList,
  }),
  db: stringFlag({ default: "data/shardctrler", help: "database `path`; _<id> is appended" }),
  listen: valueFlag({
    default: "",
    placeholder: "address",
    help: "where to listen, if not at this node's address in -cluster",
    parse: checkedAddress,
  }),
  shards: intFlag({
    default: 0,
    min: 1,
    max: SHARDS_MAX,
    help: `shards of a new cluster, for good (default ${SHARDS_DEFAULT}); ` +
      "another number than the cluster has is refused",
  }),
  clusterToken: stringFlag({
    default: "eraft",
    help: "a `word` that tells clusters on the same addresses apart",
  }),
  forward: boolFlag({ default: true, help: "pass eRaft's commands on to the leader" }),
  tick: durationFlag({ default: 100, min: 1, max: 60_000, help: "time between two heartbeats" }),
  electionTicks: intFlag({
    default: 10,
    min: 2,
    max: 1_000,
    help: "ticks without a leader before an election",
  }),
  logLevel: choiceFlag({
    default: "info",
    choices: logLevels,
    help: "least severe messages to log",
  }),
  logFormat: choiceFlag({ default: "text", choices: logFormats, help: "format of the log" }),
  exitWithParent: boolFlag({ help: "stop when standard input ends" }),
});

/**
 * @throws {FlagError} When a flag makes no sense
 * @throws {HelpRequested} At `-h`
 */
export function parseServerFlags(args: readonly string[]): ServerSettings {
  const { values, rest, given } = flags.parse(args);
  const [extra] = rest;
  if (extra !== undefined) throw flags.error(`unexpected argument: ${extra}`);
  if (values.db === "") throw flags.error('invalid value "" for flag -db: it must name a path');
  return {
    id: values.id,
    members: values.cluster,
    directory: `${values.db}_${values.id}`,
    listen: values.listen === "" ? undefined : values.listen,
    shards: given.has("shards") ? values.shards : undefined,
    clusterToken: values.clusterToken,
    forward: values.forward,
    tickMs: values.tick,
    electionTicks: values.electionTicks,
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    exitWithParent: values.exitWithParent,
  };
}

function checkedAddress(text: string): string {
  parseAddress(text, { portMin: 0 });
  return text;
}
