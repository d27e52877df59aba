/** Numbered configurations: which group serves which shard. Pure values. */

/** Identifies a group; 1 or higher. {@linkcode NO_GROUP} means nobody. */
export type Gid = number;
export type ShardId = number;

/** Tells stores apart: an unsigned 64-bit number in decimal digits. */
export type StoreId = string;

/** Of a store that was made before there were store ids. */
export const NO_STORE: StoreId = "0";

/**
 * Tells a group from others of the same number: an unsigned 64-bit number in
 * decimal digits, drawn when the group began. A group that begins anew, on
 * other disks, is another one: it has nothing of what the first one holds.
 */
export type GroupIdentity = string;

/** Not known: the group was joined without asking it, or began before there were identities. */
export const NO_IDENTITY: GroupIdentity = "0";

/** A shard nobody serves. */
export const NO_GROUP: Gid = 0;

/** The controllers where a group is named: no group of the store has this gid. */
export const CONTROLLERS_GID: Gid = 0;

/** Default number of shards of a new cluster; eRaft's fixed number is 10. */
export const SHARDS_DEFAULT = 64;
/** Most shards a cluster may have: a configuration must stay a small message. */
export const SHARDS_MAX = 16_384;

/**
 * One configuration. Invariant: every entry of `shards` is NO_GROUP or a key
 * of `groups`; `lastOwners` names only shards on NO_GROUP that a group served
 * before, and each of its groups is in `groups` or `departed`; `identities`
 * names only groups that are in either.
 */
export interface Config {
  /** Drawn when the store was made; the same in all its configurations. */
  readonly storeId: StoreId;
  /** 0 is the empty configuration every cluster starts with. */
  readonly num: number;
  /** Index: shard. */
  readonly shards: readonly Gid[];
  /** Addresses of each group's servers. */
  readonly groups: ReadonlyMap<Gid, readonly string[]>;
  /** For a shard on NO_GROUP: who served it last and still holds its data. */
  readonly lastOwners: ReadonlyMap<ShardId, Gid>;
  /** Servers of groups that left while `lastOwners` still names them. */
  readonly departed: ReadonlyMap<Gid, readonly string[]>;
  /** Of the groups whose identity is known. */
  readonly identities: ReadonlyMap<Gid, GroupIdentity>;
}

/** Configuration 0 of a cluster with `shards` shards. */
export function emptyConfig(shards: number, storeId: StoreId = NO_STORE): Config {
  return {
    storeId,
    num: 0,
    shards: new Array<Gid>(shards).fill(NO_GROUP),
    groups: new Map(),
    lastOwners: new Map(),
    departed: new Map(),
    identities: new Map(),
  };
}

/** The identity of the group that has this number in a configuration. */
export function identityOf(config: Config, gid: Gid): GroupIdentity {
  return config.identities.get(gid) ?? NO_IDENTITY;
}

/** Whether two groups of the same number are known to be different ones. */
export function isOtherGroup(one: GroupIdentity, other: GroupIdentity): boolean {
  return one !== NO_IDENTITY && other !== NO_IDENTITY && one !== other;
}

/** The group that holds a shard's data in this configuration, serving or not; NO_GROUP if none ever did. */
export function holderOf(config: Config, shard: ShardId): Gid {
  const owner = config.shards[shard] ?? NO_GROUP;
  return owner !== NO_GROUP ? owner : config.lastOwners.get(shard) ?? NO_GROUP;
}

/**
 * Whether something that names the store `other` belongs to another store than
 * `own`. A store that has an id names it everywhere, so what names none is not its
 * own. A store without an id cannot tell.
 */
export function isForeign(own: StoreId, other: StoreId): boolean {
  return own !== NO_STORE && other !== own;
}

/** Addresses of a group that is or was part of the cluster; empty if unknown. */
export function serversOf(config: Config, gid: Gid): readonly string[] {
  return config.groups.get(gid) ?? config.departed.get(gid) ?? [];
}
