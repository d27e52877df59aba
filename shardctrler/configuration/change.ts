/** The changes that may be asked for, and the checks of them that need no configuration. Pure. */
import { ADDRESS_CHARS_MAX, parseAddress } from "../../rpc/address.ts";
import type { ErrorCode } from "../../rpc/errors.ts";
import { GID_MAX, isGid, isId } from "./config_check.ts";
import type { Gid, GroupIdentity, ShardId } from "./config.ts";

/** New groups and the addresses of their servers. */
export interface JoinChange {
  readonly kind: "join";
  readonly groups: ReadonlyMap<Gid, readonly string[]>;
  /** Of the groups that were asked for it. @default {none} */
  readonly identities?: ReadonlyMap<Gid, GroupIdentity>;
}

/** Groups to go; their shards are spread over those that stay. */
export interface LeaveChange {
  readonly kind: "leave";
  readonly gids: readonly Gid[];
  /** Take the last group out although shards then have no owner. */
  readonly force: boolean;
}

/** A shard to be served by another group; nothing pins it there for good. */
export interface MoveChange {
  readonly kind: "move";
  readonly shard: ShardId;
  readonly gid: Gid;
}

/** The servers of a group have changed; its shards stay where they are. */
export interface ServersChange {
  readonly kind: "servers";
  readonly gid: Gid;
  readonly servers: readonly string[];
  /** Of the group that says so. @default {not known} */
  readonly identity?: GroupIdentity;
}

export type ConfigChange = JoinChange | LeaveChange | MoveChange | ServersChange;

/** Why a change was not made. A value, because replicas must agree on it byte for byte. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Groups of a cluster, and of one join: with the limits below, a configuration stays under 4 MiB. */
export const GROUPS_MAX = 1_024;
/** Servers of one group: replicas beyond nine cost more than they add. */
const SERVERS_PER_GROUP_MAX = 9;

/**
 * Finds what is wrong with a change whatever the configuration is, so that
 * nonsense is turned away before it reaches the log.
 */
export function checkChange(change: ConfigChange): Refusal | undefined {
  switch (change.kind) {
    case "join":
      return checkJoin(change);
    case "leave":
      return checkLeave(change.gids);
    case "move":
      return checkGid(change.gid, "move a shard to") ?? checkShard(change.shard);
    case "servers":
      return checkGid(change.gid, "change") ?? checkServers(change.gid, change.servers, new Map());
  }
}

function checkJoin({ groups, identities = new Map() }: JoinChange): Refusal | undefined {
  if (groups.size === 0) return invalid("Cannot join: no group is given");
  if (groups.size > GROUPS_MAX) {
    return invalid(`Cannot join ${groups.size} groups: at most ${GROUPS_MAX} are allowed`);
  }
  const owners = new Map<string, Gid>();
  for (const [gid, servers] of groups) {
    const refusal = checkGid(gid, "join") ?? checkServers(gid, servers, owners);
    if (refusal !== undefined) return refusal;
  }
  for (const [gid, identity] of identities) {
    if (!groups.has(gid)) return invalid(`Cannot join: an identity of group ${gid} alone is given`);
    if (!isId(identity)) return invalid(`Cannot join group ${gid} with identity '${identity}'`);
  }
  return undefined;
}

/** Checks one group's servers and adds them to `owners`, the addresses seen so far. */
function checkServers(
  gid: Gid,
  servers: readonly string[],
  owners: Map<string, Gid>,
): Refusal | undefined {
  const refuse = (reason: string) => invalid(`Cannot join group ${gid}: ${reason}`);
  if (servers.length === 0) return refuse("it has no servers");
  if (servers.length > SERVERS_PER_GROUP_MAX) {
    return refuse(`it has ${servers.length} servers, at most ${SERVERS_PER_GROUP_MAX} are allowed`);
  }
  for (const server of servers) {
    const refusal = checkAddress(gid, server);
    if (refusal !== undefined) return refusal;
    const address = canonicalAddress(server);
    const owner = owners.get(address);
    if (owner === gid) return refuse(`the address ${server} is given twice`);
    if (owner !== undefined) return refuse(`the address ${server} is given to group ${owner} too`);
    owners.set(address, gid);
  }
  return undefined;
}

function checkAddress(gid: Gid, address: string): Refusal | undefined {
  if (address.length > ADDRESS_CHARS_MAX) {
    const start = `${address.slice(0, 20)}...`;
    return invalid(
      `Cannot join group ${gid}: the address ${start} has ${address.length} characters, ` +
        `at most ${ADDRESS_CHARS_MAX} are allowed`,
    );
  }
  try {
    parseAddress(address);
    return undefined;
  } catch (error) {
    // Of SyntaxError and RangeError, whose texts begin with "Cannot use address".
    const { message } = error as Error;
    return invalid(message.replace("Cannot use address", `Cannot join group ${gid} with address`));
  }
}

/** A form in which equal addresses are equal strings, for addresses that are well-formed. */
export function canonicalAddress(address: string): string {
  const { host, port } = parseAddress(address);
  return `${host.toLowerCase()} ${port}`;
}

function checkLeave(gids: readonly Gid[]): Refusal | undefined {
  if (gids.length === 0) return invalid("Cannot leave: no group is given");
  if (gids.length > GROUPS_MAX) {
    return invalid(`Cannot leave ${gids.length} groups: at most ${GROUPS_MAX} are allowed`);
  }
  const seen = new Set<Gid>();
  for (const gid of gids) {
    const refusal = checkGid(gid, "leave");
    if (refusal !== undefined) return refusal;
    if (seen.has(gid)) return invalid(`Cannot leave group ${gid}: it is given twice`);
    seen.add(gid);
  }
  return undefined;
}

function checkGid(gid: Gid, verb: string): Refusal | undefined {
  if (isGid(gid)) return undefined;
  return invalid(`Cannot ${verb} group ${gid}: a group id must be an integer in 1..${GID_MAX}`);
}

function checkShard(shard: ShardId): Refusal | undefined {
  if (Number.isInteger(shard) && shard >= 0) return undefined;
  return invalid(`Cannot move shard ${shard}: a shard must be an integer of 0 or more`);
}

function invalid(message: string): Refusal {
  return { code: "INVALID_ARGUMENT", message };
}
