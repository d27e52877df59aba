/** Join, leave, move and new servers: from one configuration to the next. Pure. */
import { invariant } from "../../runtime/invariant.ts";
import {
  canonicalAddress,
  checkChange,
  type ConfigChange,
  GROUPS_MAX,
  type JoinChange,
  type LeaveChange,
  type MoveChange,
  type Refusal,
  type ServersChange,
} from "./change.ts";
import { configProblem } from "./config_check.ts";
import {
  type Config,
  type Gid,
  type GroupIdentity,
  holderOf,
  identityOf,
  isOtherGroup,
  NO_GROUP,
  NO_IDENTITY,
  type ShardId,
} from "./config.ts";
import { rebalance } from "./rebalance.ts";

/** What came of a change. Only "changed" makes a new configuration. */
export type ChangeOutcome =
  | { readonly kind: "changed"; readonly config: Config }
  | { readonly kind: "unchanged"; readonly config: Config }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** What a change says of the next configuration. */
type ShardPlan = Omit<Config, "num" | "storeId" | "identities">;

/**
 * Makes the configuration after `config`, or says why there is none.
 *
 * - A shard goes where it is needed with as few moves as possible (rebalance.ts).
 *   A shard nobody serves counts as its last owner's: that group gets it back
 *   without copying if it joins again and the balance allows.
 * - `move` pins nothing: the next join or leave may move the shard again. A move
 *   to the group that serves the shard already leaves everything as it is.
 * - New servers of a group change nothing else; a group that has left may have them too.
 * - The last group leaves only by force. Its shards then wait on group 0, their
 *   data with the group that left, until the next join claims them.
 */
export function applyChange(config: Config, change: ConfigChange): ChangeOutcome {
  const refusal = checkChange(change);
  if (refusal !== undefined) return { kind: "refused", refusal };
  const outcome = applyKind(config, change);
  if (outcome.kind === "changed") {
    const problem = configProblem(outcome.config);
    invariant(problem === undefined, () => `Change ${change.kind} broke the rules: ${problem}`);
  }
  return outcome;
}

function applyKind(config: Config, change: ConfigChange): ChangeOutcome {
  switch (change.kind) {
    case "join":
      return join(config, change);
    case "leave":
      return leave(config, change);
    case "move":
      return move(config, change);
    case "servers":
      return changeServers(config, change);
  }
}

function join(config: Config, change: JoinChange): ChangeOutcome {
  const inUse = addressesInUse(config);
  const known = change.identities ?? new Map<Gid, GroupIdentity>();
  for (const [gid, servers] of change.groups) {
    if (config.groups.has(gid)) {
      return refused("ALREADY_EXISTS", `Cannot join group ${gid}: it is part of the cluster`);
    }
    const taken = findTaken(inUse, gid, servers);
    if (taken !== undefined) return refused("ALREADY_EXISTS", `Cannot join group ${gid}: ${taken}`);
    if (isOtherGroup(identityOf(config, gid), known.get(gid) ?? NO_IDENTITY)) {
      return refused(
        "REFUSED",
        `Cannot join group ${gid}: it is not the group ${gid} that left with shards of the ` +
          "cluster; start that one again, or give the new one another number",
      );
    }
  }
  const total = config.groups.size + change.groups.size;
  if (total > GROUPS_MAX) {
    return refused(
      "REFUSED",
      `Cannot join: the cluster would have ${total} groups, at most ${GROUPS_MAX} are allowed`,
    );
  }
  return changed(config, balance(config, new Map([...config.groups, ...change.groups])), known);
}

/** Which of a group's addresses belongs to another group, if any does. */
function findTaken(
  inUse: ReadonlyMap<string, Gid>,
  gid: Gid,
  servers: readonly string[],
): string | undefined {
  for (const server of servers) {
    const owner = inUse.get(canonicalAddress(server));
    if (owner !== undefined && owner !== gid) {
      return `the address ${server} belongs to group ${owner}`;
    }
  }
  return undefined;
}

function changeServers(config: Config, change: ServersChange): ChangeOutcome {
  const { gid, servers, identity = NO_IDENTITY } = change;
  const present = config.groups.get(gid) ?? config.departed.get(gid);
  if (present === undefined) {
    return refused("NOT_FOUND", `Cannot change group ${gid}: it is not part of the cluster`);
  }
  if (isOtherGroup(identityOf(config, gid), identity)) {
    return refused("REFUSED", `Cannot change group ${gid}: it is another one of this number`);
  }
  if (present.length === servers.length && present.every((server, i) => server === servers[i])) {
    return { kind: "unchanged", config };
  }
  const taken = findTaken(addressesInUse(config), gid, servers);
  if (taken !== undefined) return refused("ALREADY_EXISTS", `Cannot change group ${gid}: ${taken}`);
  const replace = (groups: ReadonlyMap<Gid, readonly string[]>) =>
    new Map(Array.from(groups, ([id, old]) => [id, id === gid ? servers : old]));
  const groups = replace(config.groups);
  return changed(config, { ...config, groups, departed: replace(config.departed) });
}

/** Addresses of the groups that are part of the cluster or still hold shards of it. */
function addressesInUse(config: Config): Map<string, Gid> {
  const taken = new Map<string, Gid>();
  for (const groups of [config.departed, config.groups]) {
    for (const [gid, servers] of groups) {
      for (const server of servers) taken.set(canonicalAddress(server), gid);
    }
  }
  return taken;
}

function leave(config: Config, change: LeaveChange): ChangeOutcome {
  const groups = new Map(config.groups);
  for (const gid of change.gids) {
    if (!groups.delete(gid)) {
      return refused("NOT_FOUND", `Cannot leave group ${gid}: it is not part of the cluster`);
    }
  }
  if (groups.size > 0) return changed(config, balance(config, groups));
  if (!change.force) {
    return refused(
      "REFUSED",
      `Cannot leave the last group: nobody would serve the ${config.shards.length} shards; ` +
        "use force to do it all the same",
    );
  }
  return changed(config, disband(config));
}

/** Spreads all shards over `groups`, of which there is at least one. */
function balance(
  config: Config,
  groups: ReadonlyMap<Gid, readonly string[]>,
): ShardPlan {
  const holders = config.shards.map((_, shard) => holderOf(config, shard));
  const shards = rebalance(holders, [...groups.keys()]);
  return { shards, groups, lastOwners: new Map(), departed: new Map() };
}

/** Takes all groups out and remembers who holds which shard. */
function disband(config: Config): ShardPlan {
  const lastOwners = new Map<ShardId, Gid>();
  const departed = new Map<Gid, readonly string[]>();
  for (const [shard, gid] of config.shards.entries()) {
    const servers = config.groups.get(gid);
    invariant(servers !== undefined, () => `Shard ${shard} is on unknown group ${gid}`);
    lastOwners.set(shard, gid);
    departed.set(gid, servers);
  }
  const shards = config.shards.map(() => NO_GROUP);
  return { shards, groups: new Map(), lastOwners, departed };
}

function move(config: Config, { shard, gid }: MoveChange): ChangeOutcome {
  const count = config.shards.length;
  if (shard >= count) {
    return refused(
      "INVALID_ARGUMENT",
      `Cannot move shard ${shard}: the cluster has shards 0..${count - 1}`,
    );
  }
  if (!config.groups.has(gid)) {
    return refused(
      "NOT_FOUND",
      `Cannot move shard ${shard} to group ${gid}: it is not part of the cluster`,
    );
  }
  if (config.shards[shard] === gid) return { kind: "unchanged", config };
  return changed(config, { ...config, shards: config.shards.with(shard, gid) });
}

/** @param joining Identities of groups that are new, as far as they are known */
function changed(
  before: Config,
  after: ShardPlan,
  joining: ReadonlyMap<Gid, GroupIdentity> = new Map(),
): ChangeOutcome {
  const { storeId, num } = before;
  const identities = new Map(
    [...before.identities, ...joining]
      .filter(([gid]) => after.groups.has(gid) || after.departed.has(gid))
      .sort(([a], [b]) => a - b),
  );
  return { kind: "changed", config: { ...after, storeId, num: num + 1, identities } };
}

function refused(code: Refusal["code"], message: string): ChangeOutcome {
  return { kind: "refused", refusal: { code, message } };
}
