import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { rebalance } from "./rebalance.ts";

const shardCounts = fc.integer({ min: 1, max: 40 });
const gidSets = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 });

/** Holders among groups that stay, groups that left, and nobody. */
const situations = fc.tuple(
  shardCounts.chain((n) =>
    fc.array(fc.integer({ min: 0, max: 12 }), { minLength: n, maxLength: n })
  ),
  gidSets,
);

function loadsOf(shards: readonly number[], gids: readonly number[]): number[] {
  return gids.map((gid) => shards.filter((owner) => owner === gid).length);
}

function movesBetween(before: readonly number[], after: readonly number[]): number {
  return before.filter((gid, shard) => gid !== after[shard]).length;
}

/**
 * The least number of moves by trying every way to hand out the remainder:
 * slow, and shares no thought with the code under test.
 */
function leastMoves(holders: readonly number[], gids: readonly number[]): number {
  const floor = Math.floor(holders.length / gids.length);
  const remainder = holders.length % gids.length;
  const loads = loadsOf(holders, gids);
  let best = Infinity;
  for (let chosen = 0; chosen < 2 ** gids.length; chosen++) {
    const targets = gids.map((_, i) => floor + (chosen >> i & 1));
    const extra = targets.reduce((sum, target) => sum + target - floor, 0);
    if (extra !== remainder) continue;
    const kept = targets.reduce((sum, target, i) => sum + Math.min(target, loads[i] ?? 0), 0);
    best = Math.min(best, holders.length - kept);
  }
  return best;
}

Deno.test("rebalance() gives every shard to a wanted group, evenly, with the fewest moves", () => {
  fc.assert(
    fc.property(situations, ([holders, gids]) => {
      const after = rebalance(holders, gids);
      assertEquals(after.length, holders.length);
      assert(after.every((gid) => gids.includes(gid)));
      const loads = loadsOf(after, gids);
      assert(Math.max(...loads) - Math.min(...loads) <= 1);
      assertEquals(movesBetween(holders, after), leastMoves(holders, gids));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

/** Every way to give the shards to the groups. */
function assignmentsOf(shards: number, gids: readonly number[]): number[][] {
  return Array.from({ length: shards }).reduce<number[][]>(
    (all) => all.flatMap((assigned) => gids.map((gid) => [...assigned, gid])),
    [[]],
  );
}

Deno.test("rebalance() moves as few shards as the best of all even assignments there are", () => {
  const small = fc.tuple(
    fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 }),
    fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
  );
  fc.assert(
    fc.property(small, ([holders, gids]) => {
      const even = assignmentsOf(holders.length, gids).filter((assigned) => {
        const loads = loadsOf(assigned, gids);
        return Math.max(...loads) - Math.min(...loads) <= 1;
      });
      const fewest = Math.min(...even.map((assigned) => movesBetween(holders, assigned)));
      assertEquals(movesBetween(holders, rebalance(holders, gids)), fewest);
    }),
    { seed: 3, numRuns: 1000 },
  );
});

Deno.test("rebalance() through any joins and leaves moves only what a join takes or a leave frees", () => {
  const step = fc.integer({ min: 1, max: 8 });
  fc.assert(
    fc.property(shardCounts, fc.array(step, { maxLength: 30, size: "max" }), (shards, steps) => {
      let holders: number[] = new Array(shards).fill(0);
      let gids: number[] = [];
      for (const gid of steps) {
        const isJoin = !gids.includes(gid);
        if (!isJoin && gids.length === 1) continue;
        gids = isJoin ? [...gids, gid] : gids.filter((other) => other !== gid);
        const after = rebalance(holders, gids);
        for (const [shard, to] of after.entries()) {
          const from = holders[shard] ?? 0;
          if (from === to || from === 0) continue;
          assertEquals(isJoin ? to : from, gid, "only the group that comes or goes is involved");
        }
        holders = after;
      }
    }),
    { seed: 4, numRuns: 500 },
  );
});

Deno.test("rebalance() depends neither on the order of the groups nor on when it is asked", () => {
  fc.assert(
    fc.property(situations, ([holders, gids]) => {
      const after = rebalance(holders, gids);
      assertEquals(rebalance(holders, gids.toReversed()), after);
      assertEquals(rebalance(after, gids), after);
    }),
    { seed: 2, numRuns: 1000 },
  );
});

Deno.test("rebalance() breaks ties by the lowest id", () => {
  assertEquals(rebalance([0, 0, 0, 0], [7, 3]), [3, 7, 3, 7]);
  assertEquals(rebalance([0, 0, 0, 0, 0], [7, 3]), [3, 7, 3, 7, 3]);
  assertEquals(rebalance(new Array(10).fill(100), [100, 101]), [
    ...new Array(5).fill(101),
    ...new Array(5).fill(100),
  ]);
});

Deno.test("rebalance() leaves groups without shards when there are more groups than shards", () => {
  assertEquals(rebalance([5, 5], [1, 2, 5]), [1, 5]);
});

Deno.test("rebalance() handles the largest cluster quickly", () => {
  const gids = Array.from({ length: 1024 }, (_, i) => i + 1);
  const after = rebalance(new Array(16_384).fill(1), gids);
  assertEquals(loadsOf(after, [1, 512, 1024]), [16, 16, 16]);
});
