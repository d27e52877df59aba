/**
 * Where shards are that this group does not serve; told to clients that have
 * another configuration.
 */
import type { ShardPlace } from "../../proto/gen/shardkv.ts";
import type { Gid, ShardId } from "../../shardctrler/configuration/config.ts";
import type { ShardMachine } from "../machine/machine.ts";
import { placeOf, refusalOf, shardsOfKeys } from "../machine/ownership.ts";

export interface PlaceContext {
  readonly machine: Pick<ShardMachine, "ownership">;
  /** The own group. */
  readonly gid: Gid;
}

/** Places of those of the shards that are not served here, as far as they are known. */
export function placesOf(
  { machine: { ownership }, gid }: PlaceContext,
  shards: Iterable<ShardId>,
): ShardPlace[] {
  const places: ShardPlace[] = [];
  for (const shard of new Set(shards)) {
    if (refusalOf(ownership.shards.get(shard)) === undefined) continue;
    const place = placeOf(ownership, gid, shard);
    if (place !== undefined) places.push({ ...place, servers: [...place.servers] });
  }
  return places;
}

/** As {@linkcode placesOf}, for the shards of keys. */
export function placesOfKeys(context: PlaceContext, keys: readonly Uint8Array[]): ShardPlace[] {
  const { ownership } = context.machine;
  return placesOf(context, shardsOfKeys(ownership, keys));
}
