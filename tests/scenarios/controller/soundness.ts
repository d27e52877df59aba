/** What must hold of every configuration, and of every step from one to the next. */
import { assert, assertEquals } from "@std/assert";
import type { Config, Gid } from "../../../shardctrler/configuration/config.ts";

/** Made-up addresses for groups that need not exist. */
export function servers(...gids: Gid[]): Map<Gid, string[]> {
  return new Map(gids.map((gid) => [gid, ["a", "b", "c"].map((name) => `${name}${gid}:1`)]));
}

/** Every shard has a live owner, or none if there are no groups, and the shares differ by one at most. */
export function assertSound({ num, shards, groups }: Config): void {
  const loads = new Map([...groups.keys()].map((gid) => [gid, 0]));
  for (const [shard, gid] of shards.entries()) {
    const load = loads.get(gid);
    if (groups.size === 0) assertEquals(gid, 0, `shard ${shard} of configuration ${num}`);
    else assert(load !== undefined, `configuration ${num} gives shard ${shard} to group ${gid}`);
    loads.set(gid, (load ?? 0) + 1);
  }
  if (groups.size === 0) return;
  const counts = [...loads.values()];
  assert(Math.max(...counts) - Math.min(...counts) <= 1, `configuration ${num} gives ${counts}`);
}

/**
 * Nothing moved but what had to: no shard between two groups that are in both
 * configurations when groups only joined or only left.
 */
export function assertMinimal(before: Config, after: Config): void {
  const moved = [...before.shards.keys()].filter((shard) => {
    const [from = 0, to = 0] = [before.shards[shard], after.shards[shard]];
    return from !== to && after.groups.has(from) && before.groups.has(to);
  });
  assertEquals(moved, [], `needless moves from ${before.num} to ${after.num}`);
}
