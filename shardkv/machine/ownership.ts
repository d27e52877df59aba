/**
 * Which shards a group holds, as of what readers of the engine can see. The
 * machine's own state runs ahead of the engine while a batch is being written,
 * so nothing outside the machine looks at that.
 */
import {
  type Config,
  type Gid,
  type GroupIdentity,
  holderOf,
  NO_GROUP,
  serversOf,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import type { GroupState } from "./group_state.ts";
import type { Stay } from "./machine_keys.ts";
import { isServed, type ShardStatus } from "./shard_status.ts";

/** A shard as of some moment. */
export interface HeldShard extends Stay {
  readonly status: ShardStatus;
}

/** Never changes: a later state is another object. */
export interface Ownership {
  readonly identity: GroupIdentity;
  readonly config: Config;
  readonly previous: Config;
  readonly shards: ReadonlyMap<ShardId, HeldShard>;
  readonly garbage: readonly Stay[];
}

export function ownershipOf(state: GroupState): Ownership {
  const shards = new Map<ShardId, HeldShard>();
  for (const [number, { incarnation, status }] of state.shards) {
    shards.set(number, { shard: number, incarnation, status });
  }
  const { identity, config, previous } = state;
  return { identity, config, previous, shards, garbage: [...state.garbage] };
}

/** Shard of a key; undefined while the group knows no configuration. */
export function shardOfKey(ownership: Ownership, key: Uint8Array): ShardId | undefined {
  const count = ownership.config.shards.length;
  return count === 0 ? undefined : shardOf(key, count);
}

/** Shards of keys, each once; none while the group knows no configuration. */
export function shardsOfKeys(ownership: Ownership, keys: readonly Uint8Array[]): Set<ShardId> {
  return new Set(keys.flatMap((key) => shardOfKey(ownership, key) ?? []));
}

/** A group that has a shard, and where its servers are. */
export interface ShardPlace {
  readonly shard: ShardId;
  readonly gid: Gid;
  readonly servers: readonly string[];
}

/**
 * The group that had the shard before the configuration that this group is in. It
 * is known until the move is over, because the group cannot leave the configuration
 * before.
 */
export function sourceOf({ config, previous }: Ownership, shard: ShardId): ShardPlace {
  const gid = holderOf(previous, shard);
  // The newest addresses first: a source that is still a group knows its own best.
  const current = serversOf(config, gid);
  const servers = current.length > 0 ? current : serversOf(previous, gid);
  return { shard, gid, servers };
}

/**
 * Who serves a shard that the group `own` does not, as far as it knows: the
 * shard's owner, or whoever had it while it is on its way here. Undefined if
 * it knows of nobody.
 */
export function placeOf(ownership: Ownership, own: Gid, shard: ShardId): ShardPlace | undefined {
  const { config, previous } = ownership;
  const owner = config.shards[shard] ?? NO_GROUP;
  if (owner === NO_GROUP) return undefined;
  if (owner !== own) return { shard, gid: owner, servers: serversOf(config, owner) };
  // What nobody served is not served while it is on its way either.
  const served = ownership.shards.get(shard)?.status === "Pulling" &&
    (previous.shards[shard] ?? NO_GROUP) !== NO_GROUP;
  return served ? sourceOf(ownership, shard) : undefined;
}

/** Why a shard cannot be read or written here; undefined if it can. */
export function refusalOf(
  held: HeldShard | undefined,
): "WRONG_GROUP" | "NOT_READY" | undefined {
  if (held === undefined) return "WRONG_GROUP";
  if (held.status === "Pulling") return "NOT_READY";
  return isServed(held.status) ? undefined : "WRONG_GROUP";
}
