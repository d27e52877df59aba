/** What a group's leader has to see to in a given state (pure). */
import { unreachable } from "../../runtime/invariant.ts";
import type { Gid, ShardId } from "../../shardctrler/configuration/config.ts";
import { type Ownership, sourceOf } from "../machine/ownership.ts";
import { isInBetween } from "../machine/shard_status.ts";

/** Fetch a shard from its last owner, chunk after chunk, until it is all here. */
export interface PullAction {
  readonly kind: "pull";
  readonly shard: ShardId;
  readonly from: Gid;
  readonly servers: readonly string[];
  readonly configNum: number;
}

/** Have the last owner forget a shard that is all here, then settle it in the own log. */
export interface ReleaseAction {
  readonly kind: "release";
  readonly shard: ShardId;
  readonly from: Gid;
  readonly servers: readonly string[];
  readonly configNum: number;
}

export interface MigrationPlan {
  /** By shard, ascending. */
  readonly actions: readonly (PullAction | ReleaseAction)[];
  /** The configuration the group may enter; undefined while a shard is in between. */
  readonly nextConfig: number | undefined;
}

/**
 * Everything that may be done now. An action may be done twice, or again after it
 * was done: the log decides what takes effect.
 */
export function planMigration(ownership: Ownership): MigrationPlan {
  const actions: (PullAction | ReleaseAction)[] = [];
  let inBetween = false;
  for (const shard of [...ownership.shards.keys()].sort((a, b) => a - b)) {
    const status = ownership.shards.get(shard)?.status ?? "Serving";
    inBetween ||= isInBetween(status);
    switch (status) {
      case "Pulling":
        actions.push({ kind: "pull", ...moveOf(ownership, shard) });
        break;
      case "GCing":
        actions.push({ kind: "release", ...moveOf(ownership, shard) });
        break;
      case "Serving":
      case "Leaving":
      case "BePulling":
      case "Frozen":
        break;
      default:
        unreachable(status);
    }
  }
  return { actions, nextConfig: inBetween ? undefined : ownership.config.num + 1 };
}

function moveOf(ownership: Ownership, shard: ShardId) {
  const { gid: from, servers } = sourceOf(ownership, shard);
  return { shard, from, servers, configNum: ownership.config.num };
}
