/** The invariants of a configuration, checked wherever one comes from outside. Pure. */
import { type Config, type Gid, NO_GROUP, SHARDS_MAX } from "./config.ts";

/** Largest group id: eRaft's messages carry it as int32. */
export const GID_MAX = 0x7fff_ffff;

/** Largest store id and identity: 64 bits. */
const ID_MAX = 2n ** 64n - 1n;

/** Whether `gid` can name a group. */
export function isGid(gid: number): boolean {
  return Number.isInteger(gid) && gid >= 1 && gid <= GID_MAX;
}

/** Whether a text is an unsigned 64-bit number as store ids and identities are written. */
export function isId(id: string): boolean {
  return /^(0|[1-9]\d{0,19})$/.test(id) && BigInt(id) <= ID_MAX;
}

/**
 * Says which invariant of {@linkcode Config} is broken.
 *
 * @returns A clause for an error message; undefined if the configuration is sound
 */
export function configProblem(config: Config): string | undefined {
  if (!Number.isSafeInteger(config.num) || config.num < 0) return `its number is ${config.num}`;
  if (!isId(config.storeId)) return `its store is '${config.storeId}'`;
  const count = config.shards.length;
  if (count < 1 || count > SHARDS_MAX) return `it has ${count} shards`;
  return groupsProblem(config) ?? identitiesProblem(config) ?? shardsProblem(config) ??
    lastOwnersProblem(config);
}

function groupsProblem(config: Config): string | undefined {
  for (const groups of [config.groups, config.departed]) {
    for (const [gid, servers] of groups) {
      if (!isGid(gid)) return `it has a group ${gid}`;
      if (servers.length === 0) return `group ${gid} has no servers`;
    }
  }
  for (const gid of config.departed.keys()) {
    if (config.groups.has(gid)) return `group ${gid} both left and is there`;
  }
  return undefined;
}

function identitiesProblem(config: Config): string | undefined {
  for (const [gid, identity] of config.identities) {
    if (!isId(identity)) return `group ${gid} has the identity '${identity}'`;
    if (!config.groups.has(gid) && !config.departed.has(gid)) {
      return `it has the identity of an unknown group ${gid}`;
    }
  }
  return undefined;
}

function shardsProblem(config: Config): string | undefined {
  const shard = config.shards.findIndex((gid) => gid !== NO_GROUP && !config.groups.has(gid));
  return shard === -1 ? undefined : `shard ${shard} is on unknown group ${config.shards[shard]}`;
}

function lastOwnersProblem(config: Config): string | undefined {
  const named = new Set<Gid>();
  for (const [shard, gid] of config.lastOwners) {
    const owner = config.shards[shard];
    if (owner === undefined) return `it names shard ${shard} of ${config.shards.length}`;
    if (owner !== NO_GROUP) return `shard ${shard} has both an owner and a last one`;
    if (!config.groups.has(gid) && !config.departed.has(gid)) {
      return `shard ${shard} was last on unknown group ${gid}`;
    }
    named.add(gid);
  }
  const idle = config.departed.keys().find((gid) => !named.has(gid));
  return idle === undefined ? undefined : `group ${idle} left and holds no shard`;
}
