import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ClusterState, StateDelta } from "../api.ts";
import { buildState } from "./cluster_state.ts";
import { deltaBetween, isEqual, moveKey, nodeKey } from "./delta.ts";
import { configOf, down, group, node, NOW, observation, shard } from "./state_testing.ts";

/** What the page does with a delta. */
function applied(state: ClusterState, delta: StateDelta): ClusterState {
  const { gone, ...parts } = delta;
  const merged = <Item, Key>(
    old: readonly Item[],
    fresh: readonly Item[] | undefined,
    removed: readonly Key[] | undefined,
    keyOf: (item: Item) => Key,
  ) => {
    const items = new Map(old.map((item) => [keyOf(item), item]));
    for (const item of fresh ?? []) items.set(keyOf(item), item);
    for (const key of removed ?? []) items.delete(key);
    return [...items.values()];
  };
  return {
    ...state,
    ...parts,
    nodes: merged(state.nodes, delta.nodes, gone?.nodes, nodeKey),
    groups: merged(state.groups, delta.groups, gone?.groups, ({ gid }) => gid),
    shards: merged(state.shards, delta.shards, undefined, ({ shardId }) => shardId),
    moves: merged(state.moves, delta.moves, gone?.moves, moveKey),
  };
}

function sorted(state: ClusterState): ClusterState {
  const by = <Item>(keyOf: (item: Item) => string) => (a: Item, b: Item) =>
    keyOf(a) < keyOf(b) ? -1 : 1;
  return {
    ...state,
    nodes: state.nodes.toSorted(by(nodeKey)),
    groups: state.groups.toSorted((a, b) => a.gid - b.gid),
    moves: state.moves.toSorted(by(moveKey)),
  };
}

const someState = fc.record({
  owners: fc.array(fc.constantFrom(1, 2), { minLength: 4, maxLength: 4 }),
  dead: fc.constantFrom("", "1-0", "1-2", "2-1"),
  keys: fc.integer({ min: 0, max: 3 }),
  gids: fc.constantFrom([1, 2], [1, 2, 3]),
  moves: fc.uniqueArray(fc.integer({ min: 0, max: 3 })),
  at: fc.integer({ min: 0, max: 3 }),
}).map(({ owners, dead, keys, gids, moves, at }) => {
  const shardsOf = (gid: number) =>
    [0, 1, 2, 3].filter((i) => owners[i] === gid).map((i) => shard(i, "Serving", keys));
  const nodes = [0, ...gids].flatMap((gid) => group(gid, shardsOf(gid)));
  const config = configOf(1, owners, gids);
  return buildState(
    observation({
      config,
      nodes: nodes.map((one) => `${one.gid}-${one.id}` === dead ? down(one.gid, one.id) : one),
      moves: moves.map((shardId) => ({
        configNum: 1,
        shardId,
        fromGid: 1,
        toGid: 2,
        phase: "Waiting",
        keysDone: keys,
        bytesDone: 0,
        keysTotal: null,
        bytesTotal: null,
        bytesPerSecond: 0,
        etaMs: null,
        startedAt: 0,
        finishedAt: null,
      })),
      at: NOW + at,
    }),
    undefined,
  );
});

Deno.test("A delta put on the state before gives the state after", () => {
  fc.assert(
    fc.property(someState, someState, (before, after) => {
      const delta = deltaBetween(before, after);
      const result = delta === undefined ? before : applied(before, delta);
      const expected = delta === undefined ? { ...after, updatedAt: before.updatedAt } : after;
      assertEquals(sorted(result), sorted(expected));
      // What travels is JSON, in which nothing may get lost.
      assertEquals(JSON.parse(JSON.stringify(delta ?? null)), delta ?? null);
    }),
    { seed: 3, numRuns: 300 },
  );
});

Deno.test("That time has passed and servers were seen again is no news", () => {
  const nodes = group(1, [shard(0)]);
  const config = configOf(1, [1]);
  const before = buildState(observation({ config, nodes }), undefined);
  const seen = nodes.map((one) => ({ ...one, lastSeen: NOW + 1_000 }));
  const after = buildState(observation({ config, nodes: seen, at: NOW + 1_000 }), before);
  assertEquals(deltaBetween(before, after), undefined);
});

Deno.test("A delta carries what has changed and nothing else", () => {
  const config = configOf(1, [1, 1]);
  const nodes = group(1, [shard(0), shard(1)]);
  const before = buildState(observation({ config, nodes }), undefined);
  const busy = node(1, 2, { applied: 51 });
  const after = buildState(
    observation({ config, nodes: [...nodes.slice(0, 2), busy] }),
    before,
  );
  const delta = deltaBetween(before, after);
  assert(delta !== undefined);
  assertEquals(Object.keys(delta).sort(), ["nodes", "updatedAt"]);
  assertEquals(delta.nodes?.map(nodeKey), ["1-2"]);
});

Deno.test("isEqual() looks as deep as JSON goes", () => {
  assert(isEqual({ a: [1, { b: null }] }, { a: [1, { b: null }] }));
  for (const other of [{ a: [1] }, { a: [1, { b: 0 }] }, { a: [1, { b: null }], c: 1 }, null, []]) {
    assert(!isEqual({ a: [1, { b: null }] }, other), JSON.stringify(other));
  }
});
