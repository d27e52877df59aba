/** Evens out shards over groups with as few moves as possible. Pure. */
import { invariant } from "../../runtime/invariant.ts";
import type { Gid } from "./config.ts";

/**
 * Assigns every shard to one of `gids` so that the numbers of shards of any two
 * groups differ by one at most, and as few shards as possible change hands.
 *
 * Ties are broken by the lowest id: of equally loaded groups the one with the
 * lowest id keeps or gets a shard more, and a group gives up its lowest shards.
 * Equal arguments give equal results on every machine.
 *
 * @param holders Index: shard. Who holds it now; a shard whose holder is not in `gids` must move
 * @param gids The groups to serve the shards, one or more, each once
 * @returns Index: shard. Who serves it from now on
 */
export function rebalance(holders: readonly Gid[], gids: readonly Gid[]): Gid[] {
  invariant(gids.length > 0, "Shards can only be assigned to at least one group");
  const loads = countShards(holders, gids);
  const targets = chooseTargets(holders.length, loads);
  const { kept, homeless } = releaseExcess(holders, loads, targets);
  return settle(kept, homeless, loads, targets);
}

/** Shards of each group, by ascending gid. */
function countShards(holders: readonly Gid[], gids: readonly Gid[]): Map<Gid, number> {
  const loads = new Map<Gid, number>();
  for (const gid of gids.toSorted((a, b) => a - b)) loads.set(gid, 0);
  invariant(loads.size === gids.length, () => `Group ids repeat: ${gids}`);
  for (const gid of holders) {
    const load = loads.get(gid);
    if (load !== undefined) loads.set(gid, load + 1);
  }
  return loads;
}

/**
 * How many shards each group shall have. The remainder of the division goes to
 * the groups that have the most: each shard they may keep is a move saved.
 */
function chooseTargets(shards: number, loads: ReadonlyMap<Gid, number>): Map<Gid, number> {
  const floor = Math.floor(shards / loads.size);
  const fullest = [...loads].sort(([gidA, a], [gidB, b]) => b - a || gidA - gidB);
  const remainder = shards % loads.size;
  return new Map(fullest.map(([gid], rank) => [gid, rank < remainder ? floor + 1 : floor]));
}

/** Takes shards from groups above their target, lowest shard first; lowers `loads` to match. */
function releaseExcess(
  holders: readonly Gid[],
  loads: Map<Gid, number>,
  targets: ReadonlyMap<Gid, number>,
): { kept: Gid[]; homeless: number[] } {
  const kept = [...holders];
  const homeless: number[] = [];
  for (const [shard, gid] of holders.entries()) {
    const load = loads.get(gid);
    if (load !== undefined && load <= targetOf(targets, gid)) continue;
    if (load !== undefined) loads.set(gid, load - 1);
    homeless.push(shard);
  }
  return { kept, homeless };
}

/** Deals homeless shards out, in order, always to the least loaded group that still wants one. */
function settle(
  assigned: Gid[],
  homeless: readonly number[],
  loads: Map<Gid, number>,
  targets: ReadonlyMap<Gid, number>,
): Gid[] {
  let next = 0;
  for (let level = 0; next < homeless.length; level++) {
    for (const [gid, load] of loads) {
      const shard = homeless[next];
      if (shard === undefined) break;
      if (load !== level || level >= targetOf(targets, gid)) continue;
      assigned[shard] = gid;
      loads.set(gid, load + 1);
      next++;
    }
  }
  return assigned;
}

function targetOf(targets: ReadonlyMap<Gid, number>, gid: Gid): number {
  const target = targets.get(gid);
  invariant(target !== undefined, () => `Group ${gid} has no target`);
  return target;
}
