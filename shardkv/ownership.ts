/**
 * Which shards a group holds, as of what readers of the engine can see. The
 * machine's own state runs ahead of the engine while a batch is being written,
 * so nothing outside the machine looks at that.
 */
import type { Config, ShardId } from "../shardctrler/config.ts";
import { shardOf } from "../shardctrler/shard_hash.ts";
import type { GroupState } from "./group_state.ts";
import type { Stay } from "./machine_keys.ts";
import { isServed, type ShardStatus } from "./shard_status.ts";

/** A shard as of some moment. */
export interface HeldShard extends Stay {
  readonly status: ShardStatus;
}

/** Never changes: a later state is another object. */
export interface Ownership {
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
  const { config, previous } = state;
  return { config, previous, shards, garbage: [...state.garbage] };
}

/** Shard of a key; undefined while the group knows no configuration. */
export function shardOfKey(ownership: Ownership, key: Uint8Array): ShardId | undefined {
  const count = ownership.config.shards.length;
  return count === 0 ? undefined : shardOf(key, count);
}

/** Why a shard cannot be read or written here; undefined if it can. */
export function refusalOf(
  held: HeldShard | undefined,
): "WRONG_GROUP" | "NOT_READY" | undefined {
  if (held === undefined) return "WRONG_GROUP";
  if (held.status === "Pulling") return "NOT_READY";
  return isServed(held.status) ? undefined : "WRONG_GROUP";
}
