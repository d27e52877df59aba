import { assertEquals } from "@std/assert";
import { effect } from "@preact/signals";
import fc from "fast-check";
import type { ClusterState, MoveView, NodeView, ShardView } from "../api.ts";
import { ClusterStore, compareMoves, moveKey, MOVES_MAX, nodeKey } from "./cluster_store.ts";
import { aMove, aNode, anOverview, aShard } from "./testdata/views.ts";

function stateOf(parts: Partial<ClusterState>): ClusterState {
  return {
    overview: anOverview({}),
    controllerLeaderId: 0,
    nodes: [],
    groups: [],
    shards: [],
    moves: [],
    updatedAt: 1,
    intervalMs: 1000,
    ...parts,
  };
}

Deno.test("ClusterStore.apply() leaves alone what a delta does not name", () => {
  const store = new ClusterStore();
  store.load(stateOf({ nodes: [aNode(0, 0)], shards: [aShard(0), aShard(1)] }));
  const runs = { zero: 0, one: 0, keys: 0 };
  const stop = [
    effect(() => void (store.shards.get(0)?.value, runs.zero++)),
    effect(() => void (store.shards.get(1)?.value, runs.one++)),
    effect(() => void (store.shards.keys.value, runs.keys++)),
  ];
  store.apply({ shards: [aShard(1, { keys: 9 })], updatedAt: 2 });
  assertEquals(runs, { zero: 1, one: 2, keys: 1 });
  assertEquals(store.shards.get(1)?.value.keys, 9);
  assertEquals(store.overview.value, anOverview({}));
  assertEquals(store.controllerLeaderId.value, 0);
  assertEquals(store.updatedAt.value, 2);
  stop.forEach((dispose) => dispose());
});

Deno.test("ClusterStore.apply() tells a leader that is gone from one that is not named", () => {
  const store = new ClusterStore();
  store.load(stateOf({ controllerLeaderId: 2 }));
  store.apply({ updatedAt: 2 });
  assertEquals(store.controllerLeaderId.value, 2);
  store.apply({ controllerLeaderId: null, updatedAt: 3 });
  assertEquals(store.controllerLeaderId.value, null);
});

Deno.test("ClusterStore.load() forgets what the new snapshot does not have", () => {
  const store = new ClusterStore();
  store.load(stateOf({ nodes: [aNode(100, 0), aNode(100, 1)], moves: [aMove(1, 3)] }));
  store.load(stateOf({ nodes: [aNode(100, 1)] }));
  assertEquals(store.nodes.keys.value, ["100-1"]);
  assertEquals(store.moves.keys.value, []);
});

Deno.test("ClusterStore follows any deltas as a plain map does", () => {
  const node = fc.record({
    gid: fc.integer({ min: 0, max: 2 }),
    id: fc.integer({ min: 0, max: 3 }),
  });
  const delta = fc.record({
    put: fc.array(node, { maxLength: 6 }),
    gone: fc.array(node, { maxLength: 3 }),
  });
  fc.assert(fc.property(fc.array(delta, { maxLength: 12 }), (deltas) => {
    const store = new ClusterStore();
    const model = new Map<string, NodeView>();
    deltas.forEach(({ put, gone }, at) => {
      const nodes = put.map(({ gid, id }) => aNode(gid, id, { term: at }));
      gone.forEach((key) => model.delete(nodeKey(key)));
      nodes.forEach((each) => model.set(nodeKey(each), each));
      store.apply({ nodes, gone: { nodes: gone.map(nodeKey) }, updatedAt: at });
    });
    const sorted = [...model.values()].sort((a, b) => a.gid - b.gid || a.id - b.id);
    assertEquals(store.nodes.all(), sorted);
  }));
});

Deno.test("ClusterStore keeps a bounded number of moves, those under way above all", () => {
  const store = new ClusterStore();
  const done = Array.from(
    { length: MOVES_MAX + 50 },
    (_, at): MoveView => aMove(at, at, { finishedAt: 1000 + at, phase: "Done" }),
  );
  store.apply({ moves: [aMove(0, 9999), ...done], updatedAt: 1 });
  const kept = store.moves.all().sort(compareMoves);
  assertEquals(kept.length, MOVES_MAX);
  assertEquals(kept.slice(0, 2).map(moveKey), ["0-9999", `${MOVES_MAX + 49}-${MOVES_MAX + 49}`]);
});

Deno.test("compareMoves() puts what is under way first, then the latest", () => {
  const moves = [
    aMove(1, 1, { finishedAt: 10 }),
    aMove(1, 2, { startedAt: 5 }),
    aMove(1, 3, { finishedAt: 20 }),
    aMove(1, 4, { startedAt: 6 }),
  ];
  assertEquals(moves.sort(compareMoves).map((move) => move.shardId), [4, 2, 3, 1]);
});

Deno.test("KeyedSignals keeps the order while records come and go", () => {
  const store = new ClusterStore();
  const ids = (shards: readonly ShardView[]) => shards.map((shard) => shard.shardId);
  store.shards.put([aShard(5), aShard(1)]);
  store.shards.put([aShard(3)]);
  store.shards.remove([1, 77]);
  assertEquals(ids(store.shards.all()), [3, 5]);
});
