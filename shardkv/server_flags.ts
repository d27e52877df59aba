/** The command line of `shardkvserver`. */
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
import { VALUE_BYTES_CEILING, VALUE_BYTES_DEFAULT } from "./limits.ts";

/** What one server was told on its command line. */
export interface ServerSettings {
  /** Place in `members`, from 0; may lie outside of it. */
  readonly id: number;
  /** The group, 1 or higher. */
  readonly gid: number;
  readonly members: readonly string[];
  readonly controllers: readonly string[];
  /** Where the data is. */
  readonly directory: string;
  /** Where to listen; undefined for this server's entry in `members`. */
  readonly listen: string | undefined;
  readonly clusterToken: string;
  readonly forward: boolean;
  readonly valueBytesMax: number;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Stop when standard input ends. */
  readonly exitWithParent: boolean;
}

const CLUSTER_DEFAULT = "localhost:6001,localhost:6002,localhost:6003";
const CONTROLLERS_DEFAULT = "localhost:50051,localhost:50052,localhost:50053";
/** Gids travel as int32. */
const GID_MAX = 2 ** 31 - 1;

const flags = defineFlags("shardkvserver", {
  id: intFlag({ default: 0, help: "node id: place in -cluster, from 0" }),
  gid: intFlag({ default: 0, max: GID_MAX, help: "group id, 1 or higher" }),
  cluster: addressesFlag(CLUSTER_DEFAULT, "addresses of the group, the same on every node"),
  ctrlers: addressesFlag(CONTROLLERS_DEFAULT, "addresses of the controllers"),
  db: stringFlag({ default: "data/shardkv", help: "database `path`; _<gid>_<id> is appended" }),
  listen: valueFlag({
    default: "",
    placeholder: "address",
    help: "where to listen, if not at this node's address in -cluster",
    parse: checkedAddress,
  }),
  clusterToken: stringFlag({
    default: "eraft",
    help: "a `word` that tells clusters on the same addresses apart",
  }),
  forward: boolFlag({
    default: true,
    help: "pass eRaft's commands on to the server that can answer them",
  }),
  maxValueBytes: intFlag({
    default: VALUE_BYTES_DEFAULT,
    min: 1,
    max: VALUE_BYTES_CEILING,
    help: "largest value",
  }),
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
  const { values, rest } = flags.parse(args);
  const [extra] = rest;
  if (extra !== undefined) throw flags.error(`unexpected argument: ${extra}`);
  if (values.db === "") throw flags.error('invalid value "" for flag -db: it must name a path');
  if (values.gid < 1) {
    throw flags.error(
      `invalid value "${values.gid}" for flag -gid: a group needs -gid 1 or higher`,
    );
  }
  return {
    id: values.id,
    gid: values.gid,
    members: values.cluster,
    controllers: values.ctrlers,
    directory: `${values.db}_${values.gid}_${values.id}`,
    listen: values.listen === "" ? undefined : values.listen,
    clusterToken: values.clusterToken,
    forward: values.forward,
    valueBytesMax: values.maxValueBytes,
    tickMs: values.tick,
    electionTicks: values.electionTicks,
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    exitWithParent: values.exitWithParent,
  };
}

function addressesFlag(addresses: string, help: string) {
  return valueFlag({
    default: parseAddressList(addresses),
    defaultText: `"${addresses}"`,
    placeholder: "addresses",
    help,
    parse: parseAddressList,
  });
}

function checkedAddress(text: string): string {
  parseAddress(text, { portMin: 0 });
  return text;
}
