import { assertEquals } from "@std/assert";
import type { ClusterState, Problem } from "../api.ts";
import { buildState } from "./cluster_state.ts";
import { intervalBetween } from "./metrics_interval.ts";
import type { NodeObservation, Observation } from "./observation.ts";
import {
  configOf,
  counts,
  down,
  group,
  histogram,
  moveInfo,
  node,
  NOW,
  observation,
  serversOfGroup,
  shard,
} from "./state_testing.ts";

function stateOf(parts: Partial<Observation>, before?: ClusterState): ClusterState {
  return buildState(observation(parts), before);
}

/** Two groups of two shards each, all well, but for what is replaced. */
function cluster(...others: NodeObservation[]): NodeObservation[] {
  const usual = [
    ...group(0),
    ...group(1, [shard(0), shard(1)]),
    ...group(2, [shard(2), shard(3)]),
  ];
  const replaced = (one: NodeObservation) =>
    others.find(({ gid, id }) => gid === one.gid && id === one.id);
  const isNew = (one: NodeObservation) =>
    !usual.some(({ gid, id }) => gid === one.gid && id === one.id);
  return [...usual.map((one) => replaced(one) ?? one), ...others.filter(isNew)];
}

const config = configOf(1, [1, 1, 2, 2]);

function codes({ overview }: ClusterState): string[] {
  return overview.problems.map(({ code, severity, gid, nodeId, count }) =>
    [severity, code, gid, nodeId, count].filter((part) => part !== undefined).join(" ")
  );
}

Deno.test("buildState() of a cluster that is well", () => {
  const state = stateOf({ config, nodes: cluster() });
  const { overview, groups, nodes, shards } = state;
  assertEquals([overview.health, overview.problems], ["ok", []]);
  assertEquals([overview.shardsServed, overview.shardsTotal], [4, 4]);
  assertEquals([overview.nodesUp, overview.nodesTotal, overview.groups], [9, 9, 2]);
  assertEquals([overview.keys, overview.bytes, overview.storageBytes], [40, 400, 9_000]);
  assertEquals(state.controllerLeaderId, 0);
  assertEquals(groups[1], {
    gid: 2,
    leaderId: 0,
    shards: [2, 3],
    keys: 20,
    bytes: 200,
    storageBytes: 3_000,
    departed: false,
  });
  assertEquals(nodes.map(({ gid, id }) => `${gid}-${id}`).slice(2, 5), ["0-2", "1-0", "1-1"]);
  assertEquals(shards.map(({ groupId, state }) => [groupId, state]), [
    [1, "Serving"],
    [1, "Serving"],
    [2, "Serving"],
    [2, "Serving"],
  ]);
});

Deno.test("A server that is down is Offline with its last contact, and its group at risk", () => {
  const state = stateOf({ config, nodes: cluster(down(1, 2, { applied: 40 })) });
  const dead = state.nodes.find(({ gid, id }) => gid === 1 && id === 2);
  assertEquals([dead?.role, dead?.healthy, dead?.lastSeen], ["Offline", false, NOW - 5_000]);
  assertEquals([dead?.error, dead?.lag, dead?.term], ["Nobody is there", 10, 3]);
  assertEquals(codes(state), ["warning groupAtRisk 1 2", "warning nodeDown 1 2"]);
  assertEquals(state.overview.health, "degraded");
  assertEquals(state.overview.shardsServed, 4);
  assertEquals(state.overview.problems.map(({ since }) => since), [NOW, NOW - 5_000]);
});

Deno.test("A group without a leader has none, and serves nothing whatever its servers say", () => {
  const candidate = node(1, 1, { role: "Candidate", shards: [shard(0), shard(1)] });
  const state = stateOf({ config, nodes: cluster(down(1, 0, { role: "Leader" }), candidate) });
  assertEquals(state.groups[0]?.leaderId, null);
  assertEquals(state.nodes.find(({ gid, id }) => gid === 1 && id === 1)?.role, "Candidate");
  assertEquals(state.nodes.filter(({ gid }) => gid === 1).map(({ lag }) => lag), [
    null,
    null,
    null,
  ]);
  assertEquals(state.shards.map(({ state }) => state), [
    "Unknown",
    "Unknown",
    "Serving",
    "Serving",
  ]);
  // What the group holds is known all the same.
  assertEquals(state.groups[0]?.keys, 20);
  assertEquals(state.overview.health, "unavailable");
  assertEquals(codes(state), [
    "critical noGroupLeader 1",
    "critical shardUnserved 2",
    "warning nodeDown 1 0",
  ]);
});

Deno.test("Of two that take themselves for the leader the one of the later term counts", () => {
  const old = node(1, 0, { role: "Leader", term: 3, shards: [shard(0, "Pulling")] });
  const fresh = node(1, 2, { role: "Leader", term: 4, shards: [shard(0), shard(1)] });
  const state = stateOf({ config, nodes: cluster(old, fresh) });
  assertEquals(state.groups[0]?.leaderId, 2);
  assertEquals(state.shards[0]?.state, "Serving");
});

Deno.test("A group without a majority is down, and controllers without one lead nobody", () => {
  const nodes = cluster(down(1, 0), down(1, 1), down(0, 0), down(0, 1));
  assertEquals(codes(stateOf({ config, nodes })).slice(0, 3), [
    "critical groupDown 1 1",
    "critical noControllerLeader 0 1",
    "critical shardUnserved 2",
  ]);
});

Deno.test("Nothing is known of the cluster's health while no controller answers", () => {
  const state = stateOf({ config, nodes: cluster(down(0, 0), down(0, 1), down(0, 2)) });
  assertEquals(state.overview.health, "unknown");
  assertEquals(state.controllerLeaderId, null);
  assertEquals(codes(state)[0], "critical controllersUnreachable 0");
  assertEquals(stateOf({ nodes: [] }).overview.health, "unknown");
});

Deno.test("A cluster without groups serves nothing and says so once", () => {
  const state = stateOf({ config: configOf(0, [0, 0], []), nodes: group(0) });
  assertEquals([state.overview.health, state.groups], ["unavailable", []]);
  assertEquals(codes(state), ["critical noGroups"]);
});

Deno.test("A shard on its way shows the state it has where it goes, and all its keys", () => {
  const moving = configOf(2, [2, 1, 2, 2]);
  const source = group(1, [shard(0, "BePulling", 30, 300), shard(1)], 2);
  const waiting = stateOf({
    config: moving,
    nodes: [
      ...group(0),
      ...group(1, [shard(0), shard(1)], 1),
      ...group(2, [shard(2), shard(3)], 1),
    ],
  });
  assertEquals(waiting.shards[0]?.state, "Serving");
  assertEquals(waiting.overview.health, "ok");
  const pulling = stateOf({
    config: moving,
    nodes: [
      ...group(0),
      ...source,
      ...group(2, [shard(0, "Pulling", 5, 50), shard(2), shard(3)], 2),
    ],
  });
  assertEquals(pulling.shards[0], {
    shardId: 0,
    groupId: 2,
    state: "Pulling",
    keys: 30,
    bytes: 300,
    opsPerSecond: 0,
  });
  assertEquals(codes(pulling), ["warning shardUnserved 1"]);
  const cleaning = stateOf({
    config: moving,
    nodes: [...group(0), ...source, ...group(2, [shard(0, "GCing"), shard(2), shard(3)], 2)],
  });
  assertEquals([cleaning.shards[0]?.state, cleaning.overview.shardsServed], ["GCing", 4]);
});

Deno.test("A shard that is being copied is served by its source until it is handed over", () => {
  const moving = configOf(2, [2, 1, 2, 2]);
  const servedIn = (phase: string, source: NodeObservation[]) => {
    const gainer = group(2, [shard(0, "Pulling", 5), shard(2), shard(3)], 2).map((one) => ({
      ...one,
      answer: one.answer && {
        ...one.answer,
        moves: [moveInfo({ shard: 0, fromGid: 1, phase })],
      },
    }));
    return stateOf({ config: moving, nodes: [...group(0), ...source, ...gainer] }).overview
      .shardsServed;
  };
  const source = group(1, [shard(0, "BePulling", 30), shard(1)], 2);
  const phases = ["Waiting", "Copying", "CatchingUp", "HandingOver"];
  assertEquals(phases.map((phase) => servedIn(phase, source)), [4, 4, 4, 3]);
  const leaderless = source.map((one) => one.id === 0 ? { ...one, isUp: false } : one);
  assertEquals(servedIn("Copying", leaderless), 2);
});

Deno.test("A group that has left and still holds shards is shown with what it holds", () => {
  const left = {
    ...configOf(3, [0, 0], []),
    lastOwners: new Map([[0, 1], [1, 1]]),
    departed: new Map([[1, serversOfGroup(1)]]),
  };
  const nodes = [...group(0), ...group(1, [shard(0, "Frozen"), shard(1, "Frozen")], 3)];
  const state = stateOf({ config: left, nodes });
  assertEquals(
    state.groups.map(({ gid, departed, shards, keys }) => [gid, departed, shards, keys]),
    [
      [1, true, [], 20],
    ],
  );
  assertEquals(state.shards.map(({ state }) => state), ["Frozen", "Frozen"]);
  assertEquals(codes(state), ["critical noGroups", "warning groupDeparted 1"]);
});

Deno.test("A learner is one, counts for no majority, and may be behind", () => {
  const learner = node(1, 3, { applied: 0 }, { isLearner: true });
  const leader = node(1, 0, {
    role: "Leader",
    applied: 5_000,
    commit: 5_000,
    shards: [shard(0), shard(1)],
  });
  const late = node(1, 1, { applied: 3_000 });
  const fine = node(1, 2, { applied: 4_999 });
  const state = stateOf({ config, nodes: cluster(leader, late, fine, learner) });
  assertEquals(state.nodes.find(({ gid, id }) => gid === 1 && id === 3)?.role, "Learner");
  assertEquals(codes(state), ["warning nodeLagging 1 1 2000"]);
});

Deno.test("Servers of different versions, and moves without headway, are told of", () => {
  const stalled = [{ gid: 2, shardId: 5, count: 3, since: NOW - 40_000 }];
  const nodes = cluster(node(2, 1, { version: "2.0.0" }));
  const state = stateOf({ config, nodes, stalled });
  assertEquals(codes(state), ["warning moveStalled 2 3", "warning versionsDiffer 2"]);
  assertEquals(state.overview.problems[0]?.since, NOW - 40_000);
});

Deno.test("A problem keeps the time since which it has been there", () => {
  const nodes = cluster(down(1, 0, { role: "Leader" }));
  const first = stateOf({ config, nodes });
  const second = stateOf({ config, nodes, at: NOW + 9_000 }, first);
  const since = (state: ClusterState, code: Problem["code"]) =>
    state.overview.problems.find((problem) => problem.code === code)?.since;
  assertEquals(since(second, "noGroupLeader"), NOW);
  const over = stateOf({ config, nodes: cluster(), at: NOW + 10_000 }, second);
  assertEquals(over.overview.problems, []);
  const again = stateOf({ config, nodes, at: NOW + 11_000 }, over);
  assertEquals(since(again, "noGroupLeader"), NOW + 11_000);
});

Deno.test("Rates are added up over replicas, percentiles taken over all requests together", () => {
  const intervalOf = (writes: number, us: number, shards: [number, number, number][]) =>
    intervalBetween(
      counts({ uptimeMs: 0 }),
      counts({
        uptimeMs: 1_000,
        writes,
        writeLatency: histogram(...new Array<number>(writes).fill(us)),
        shards: shards.map(([shard, reads, writes]) => ({ shard, reads, writes })),
      }),
    );
  const leader = node(1, 0, { role: "Leader", shards: [shard(0), shard(1)] }, {
    interval: intervalOf(90, 1_000, [[0, 10, 90], [1, 0, 0]]),
  });
  const follower = node(1, 1, {}, { interval: intervalOf(0, 0, [[0, 5, 90], [1, 0, 0]]) });
  const other = node(2, 0, { role: "Leader", shards: [shard(2), shard(3)] }, {
    interval: intervalOf(10, 100_000, [[2, 0, 10]]),
  });
  const dead = down(2, 1);
  const controller = node(0, 0, { role: "Leader" }, { interval: intervalOf(7, 5, []) });
  const { overview, shards, nodes } = stateOf({
    config,
    nodes: cluster(leader, follower, other, controller, {
      ...dead,
      interval: intervalOf(99, 1, []),
    }),
  });
  assertEquals(overview.writesPerSecond, 100);
  assertEquals(overview.writeP50Ms, 1.024);
  assertEquals((overview.writeP99Ms ?? 0) >= 100, true);
  // 15 reads, each by one replica; 90 writes, each by every replica.
  assertEquals(shards.map(({ opsPerSecond }) => opsPerSecond), [105, 0, 10, 0]);
  assertEquals(nodes.find(({ gid, id }) => gid === 2 && id === 1)?.figures, null);
});
