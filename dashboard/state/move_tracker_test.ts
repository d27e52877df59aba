import { assertEquals } from "@std/assert";
import type { GroupReport } from "./group_report.ts";
import { MOVES_MAX, MoveTracker, STALL_MS } from "./move_tracker.ts";
import { configOf, moveInfo, NOW, report, shard } from "./state_testing.ts";

const GIDS = new Set([1, 2]);
const before = configOf(1, [1, 1, 2]);
const after = configOf(2, [2, 1, 2]);

function tracker(): MoveTracker {
  const moves = new MoveTracker();
  moves.onConfig(before, after, NOW);
  return moves;
}

function observe(moves: MoveTracker, at: number, ...reports: [number, GroupReport][]): void {
  moves.observe(new Map(reports), GIDS, NOW + at);
}

Deno.test("A move waits from the configuration that asks for it, and is done when its shard is served", () => {
  const moves = tracker();
  observe(moves, 0, report(1, 1, [shard(0)]), report(2, 1, []));
  const [waiting] = moves.views;
  assertEquals([waiting?.phase, waiting?.fromGid, waiting?.toGid], ["Waiting", 1, 2]);
  assertEquals([waiting?.startedAt, waiting?.finishedAt], [NOW, null]);
  // It is served, and the source is still to forget it.
  observe(
    moves,
    500,
    report(1, 2, [shard(0, "BePulling", 8, 80)]),
    report(2, 2, [shard(0, "GCing")]),
  );
  assertEquals(moves.views[0]?.phase, "Cleaning");
  observe(moves, 1_000, report(1, 2, []), report(2, 2, [shard(0)]));
  const [done] = moves.views;
  assertEquals([done?.phase, done?.finishedAt, done?.keysDone], ["Done", NOW + 1_000, 8]);
  assertEquals(moves.views.length, 1);
});

Deno.test("A leader that tells of its moves is taken at its word", () => {
  const moves = tracker();
  const copying = { shard: 0, phase: "Copying", keysDone: 5, bytesDone: 50, elapsedMs: 2_000 };
  const telling = (parts: Parameters<typeof moveInfo>[0]) =>
    report(2, 1, [], { moves: [moveInfo({ ...copying, ...parts })] });
  observe(moves, 0, telling({}));
  assertEquals([moves.views[0]?.phase, moves.views[0]?.keysTotal], ["Copying", null]);
  assertEquals(moves.views[0]?.etaMs, null);
  observe(moves, 0, telling({ bytesTotal: 250, keysTotal: 25, bytesPerSecond: 100 }));
  assertEquals(moves.views[0]?.etaMs, 2_000);
  observe(moves, 0, telling({ phase: "Unheard" }));
  assertEquals(moves.views[0]?.phase, "Copying");
  // The time comes from the leader if nobody saw the configuration come.
  const late = new MoveTracker();
  observe(late, 0, telling({}));
  assertEquals(late.views[0]?.startedAt, NOW - 2_000);
});

Deno.test("A move that nobody tells of is followed by the states of its shard", () => {
  const moves = new MoveTracker();
  const source = report(1, 2, [shard(0, "BePulling", 40, 4_000)]);
  observe(moves, 0, source, report(2, 2, [shard(0, "Pulling", 0, 0)]));
  observe(moves, 1_000, source, report(2, 2, [shard(0, "Pulling", 10, 1_000)]));
  const [view] = moves.views;
  assertEquals([view?.fromGid, view?.phase, view?.keysDone], [1, "HandingOver", 10]);
  assertEquals([view?.bytesTotal, view?.bytesPerSecond, view?.etaMs], [4_000, 1_000, 3_000]);
});

Deno.test("A move is over when its group is in a later configuration, and when the group is gone", () => {
  const moves = tracker();
  observe(moves, 0, report(2, 3, []));
  assertEquals(moves.views[0]?.phase, "Done");
  const other = tracker();
  other.observe(new Map(), new Set([1]), NOW);
  assertEquals(other.views[0]?.phase, "Done");
  const silent = tracker();
  silent.observe(new Map([report(2, 3, [], { isLeader: false })]), GIDS, NOW);
  assertEquals(silent.views[0]?.phase, "Waiting");
});

Deno.test("Shards that nobody held, or that nobody gets, do not move", () => {
  const moves = new MoveTracker();
  moves.onConfig(configOf(0, [0, 0]), configOf(1, [1, 1]), NOW);
  moves.onConfig(configOf(1, [1, 1]), configOf(2, [0, 1]), NOW);
  assertEquals(moves.views, []);
  const frozen = { ...configOf(2, [0, 1]), lastOwners: new Map([[0, 1]]) };
  moves.onConfig(frozen, configOf(3, [2, 1]), NOW);
  assertEquals(moves.views.map(({ fromGid, toGid }) => [fromGid, toGid]), [[1, 2]]);
});

Deno.test("A move without headway stalls, one that waits for its turn does not", () => {
  const moves = tracker();
  moves.onConfig(after, configOf(3, [2, 2, 2]), NOW);
  const pulling = (bytes: number) => report(2, 2, [shard(0, "Pulling", 1, bytes)]);
  observe(moves, 0, pulling(10));
  observe(moves, STALL_MS - 1, pulling(10));
  assertEquals(moves.stalled(NOW + STALL_MS - 1), []);
  assertEquals(moves.stalled(NOW + STALL_MS), [{ gid: 2, shardId: 0, count: 1, since: NOW }]);
  observe(moves, STALL_MS, pulling(20));
  assertEquals(moves.stalled(NOW + STALL_MS), []);
});

Deno.test("What is shown is bounded: what is under way first, then the latest that are done", () => {
  const moves = new MoveTracker();
  const count = MOVES_MAX + 50;
  const owners = (gid: number) => new Array<number>(count).fill(gid);
  moves.onConfig(configOf(1, owners(1)), configOf(2, owners(2)), NOW);
  assertEquals(moves.views.length, MOVES_MAX);
  observe(moves, 0, report(2, 3, []));
  moves.onConfig(configOf(3, owners(2)), configOf(4, [1, ...owners(2).slice(1)]), NOW + 1);
  assertEquals(moves.views.length, MOVES_MAX);
  assertEquals(moves.views.slice(0, 2).map(({ phase }) => phase), ["Waiting", "Done"]);
});
