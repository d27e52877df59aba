/** The flags both servers have. */
import { parseAddress, parseAddressList } from "../rpc/address.ts";
import { boolFlag, durationFlag, intFlag, stringFlag, valueFlag } from "../runtime/flags.ts";
import {
  RETAINED_BYTES_DEFAULT,
  RETAINED_ENTRIES_DEFAULT,
} from "../raft/node/raft_node_options.ts";
import { processFlags, type ProcessSettings } from "../runtime/process_flags.ts";

/** What every server is told on its command line. */
export interface ServerSettings extends ProcessSettings {
  /** Place in `members`, from 0; may lie outside of it. */
  readonly id: number;
  /** Addresses of the Raft group, this server's among them; with `join`, any servers of it. */
  readonly members: readonly string[];
  /** Where the data is. */
  readonly directory: string;
  /** Where to listen; undefined for this server's entry in `members`. */
  readonly listen: string | undefined;
  /** For a server that was added to a group that exists: its address, as it was added. */
  readonly join: string | undefined;
  readonly clusterToken: string;
  readonly forward: boolean;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly leaseReads: boolean;
  readonly retainedEntriesMax: number;
  readonly retainedBytesMax: number;
}

/** A flag that takes a comma-separated list of addresses. */
export function addressesFlag(addresses: string, help: string) {
  return valueFlag({
    default: parseAddressList(addresses),
    defaultText: `"${addresses}"`,
    placeholder: "addresses",
    help,
    parse: parseAddressList,
  });
}

/** The common flags, to be spread into a server's own. */
export const commonFlags = {
  id: intFlag({ default: 0, help: "node id: place in -cluster, from 0" }),
  listen: valueFlag({
    default: "",
    placeholder: "address",
    help: "where to listen, if not at this node's address in -cluster",
    parse: checkedAddress,
  }),
  join: valueFlag({
    default: "",
    placeholder: "address",
    help: "join a running group as the member that was added at this address; " +
      "-cluster then names servers of the group",
    parse: parsedAddress,
  }),
  clusterToken: stringFlag({
    default: "eraft",
    help: "a `word` that tells clusters on the same addresses apart",
  }),
  forward: boolFlag({
    default: true,
    help: "pass eRaft's commands on to the server that can answer them",
  }),
  tick: durationFlag({ default: 100, min: 1, max: 60_000, help: "time between two heartbeats" }),
  electionTicks: intFlag({
    default: 10,
    min: 2,
    max: 1_000,
    help: "ticks without a leader before an election",
  }),
  leaseReads: boolFlag({
    help: "answer reads under a lease, without asking a majority each time; relies on clocks " +
      "that differ by less than a tenth in speed, and must be the same on all members",
  }),
  retainedEntries: intFlag({
    default: RETAINED_ENTRIES_DEFAULT,
    min: 1,
    help: "log entries kept for followers that fall behind; one further behind gets a snapshot",
  }),
  retainedBytes: intFlag({
    default: RETAINED_BYTES_DEFAULT,
    min: 1,
    help: "bytes of log kept for followers that fall behind; both are four times as much while " +
      "one catches up",
  }),
  ...processFlags,
} as const;

/** What the flags of both servers come to. */
interface CommonValues extends Omit<ServerSettings, Renamed> {
  readonly cluster: readonly string[];
  readonly listen: string;
  readonly join: string;
  readonly tick: number;
  readonly retainedEntries: number;
  readonly retainedBytes: number;
}

type Renamed =
  | "members"
  | "directory"
  | "listen"
  | "join"
  | "tickMs"
  | "retainedEntriesMax"
  | "retainedBytesMax";

/**
 * The settings that follow from the common flags.
 *
 * @param directory Where this server's data is
 */
export function commonSettings(values: CommonValues, directory: string): ServerSettings {
  return {
    id: values.id,
    members: values.cluster,
    directory,
    listen: values.listen === "" ? undefined : values.listen,
    join: values.join === "" ? undefined : values.join,
    clusterToken: values.clusterToken,
    forward: values.forward,
    tickMs: values.tick,
    electionTicks: values.electionTicks,
    leaseReads: values.leaseReads,
    retainedEntriesMax: values.retainedEntries,
    retainedBytesMax: values.retainedBytes,
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    exitWithParent: values.exitWithParent,
  };
}

function checkedAddress(text: string): string {
  parseAddress(text, { portMin: 0 });
  return text;
}

function parsedAddress(text: string): string {
  parseAddress(text);
  return text;
}
