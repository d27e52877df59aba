/** Clusters as the dashboard's server would tell of them: small, huge, broken, moving. */
import type {
  ClusterState,
  GroupView,
  MoveView,
  NodeFigures,
  NodeView,
  Overview,
  Problem,
  ShardView,
} from "../../../dashboard/api.ts";
import { createPrng, type Prng } from "../../../runtime/prng.ts";

export interface FakeClusterOptions {
  readonly groups: number;
  readonly replicas: number;
  readonly shards: number;
  /** When the state was looked at. */
  readonly now: number;
  /** Equal seeds give equal figures. */
  readonly seed: number;
}

/** Enough for every part of the page to have something to show. */
export const smallCluster: FakeClusterOptions = {
  groups: 2,
  replicas: 3,
  shards: 64,
  now: Date.UTC(2025, 0, 2, 3, 4, 5),
  seed: 1,
};

const CONTROLLERS = 3;
const MIB = 2 ** 20;

/** A cluster in which all is well. */
export function healthyState(options: FakeClusterOptions): ClusterState {
  const prng = createPrng(options.seed);
  const shards = Array.from({ length: options.shards }, (_, id) => fakeShard(id, options, prng));
  const groups = Array.from(
    { length: options.groups },
    (_, at) => fakeGroup(100 + at, options, shards, prng),
  );
  const nodes = [
    ...Array.from({ length: CONTROLLERS }, (_, id) => fakeNode(0, id, options, prng)),
    ...groups.flatMap(({ gid }) =>
      Array.from({ length: options.replicas }, (_, id) => fakeNode(gid, id, options, prng))
    ),
  ];
  return {
    overview: overviewOf(shards, groups, nodes, []),
    controllerLeaderId: 0,
    nodes,
    groups,
    shards,
    moves: [doneMove(options.now)],
    updatedAt: options.now,
    intervalMs: 1000,
  };
}

/** Group 101 has lost its majority, one node of group 100 is down. */
export function brokenState(options: FakeClusterOptions): ClusterState {
  const state = healthyState(options);
  const dead = (node: NodeView) =>
    (node.gid === 101 && node.id > 0) || (node.gid === 100 && node.id === 2);
  const nodes = state.nodes.map((node): NodeView => {
    if (dead(node)) return deadNode(node, options.now - 42_000);
    return node.gid === 101 ? { ...node, role: "Candidate", lag: null } : node;
  });
  const groups = state.groups.map((group) =>
    group.gid === 101 ? { ...group, leaderId: null } : group
  );
  const shards = state.shards.map((shard): ShardView =>
    shard.groupId === 101 ? { ...shard, state: "Unknown", opsPerSecond: 0 } : shard
  );
  const since = options.now - 42_000;
  const problems: Problem[] = [
    { code: "groupDown", severity: "critical", gid: 101, count: 2, since },
    { code: "shardUnserved", severity: "critical", count: groups[1]?.shards.length ?? 0, since },
    { code: "groupAtRisk", severity: "warning", gid: 100, since },
    ...nodes.filter((node) => !node.healthy).map((node): Problem => ({
      code: "nodeDown",
      severity: "warning",
      gid: node.gid,
      nodeId: node.id,
      address: node.address,
      since,
    })),
    { code: "noControllerLeader", severity: "warning", since },
    { code: "nodeLagging", severity: "warning", gid: 100, nodeId: 1, count: 12_345, since },
    { code: "versionsDiffer", severity: "warning", count: 2 },
  ];
  return {
    ...state,
    overview: overviewOf(shards, groups, nodes, problems),
    controllerLeaderId: null,
    nodes,
    groups,
    shards,
  };
}

/** Shards on their way to the last group, in every phase and state. */
export function movingState(options: FakeClusterOptions): ClusterState {
  const state = healthyState(options);
  const toGid = 99 + options.groups;
  const phases = ["Copying", "CatchingUp", "HandingOver", "Cleaning", "Waiting"] as const;
  const states = ["BePulling", "Frozen", "Pulling", "GCing", "Serving"] as const;
  const moves = phases.map((phase, at): MoveView => ({
    configNum: 7,
    shardId: at,
    fromGid: 100,
    toGid,
    phase,
    keysDone: at * 900,
    bytesDone: at * 3 * MIB,
    keysTotal: phase === "Waiting" ? null : 4000,
    bytesTotal: phase === "Waiting" ? null : 12 * MIB,
    bytesPerSecond: phase === "Waiting" ? 0 : 2 * MIB,
    etaMs: phase === "Waiting" ? null : 4500,
    startedAt: options.now - 9000,
    finishedAt: null,
  }));
  const shards = state.shards.map((shard, at): ShardView => ({
    ...shard,
    state: states[at] ?? "Serving",
  }));
  return { ...state, shards, moves: [...moves, ...state.moves] };
}

/** The same cluster a moment later: every figure has moved. */
export function aMomentLater(state: ClusterState, prng: Prng): ClusterState {
  const nodes = state.nodes.map((node) =>
    node.figures === null ? node : { ...node, figures: walk(node.figures, prng) }
  );
  const shards = state.shards.map((shard) => ({
    ...shard,
    keys: shard.keys + prng.below(5),
    opsPerSecond: prng.below(400),
  }));
  return {
    ...state,
    nodes,
    shards,
    overview: overviewOf(shards, state.groups, nodes, state.overview.problems),
    updatedAt: state.updatedAt + state.intervalMs,
  };
}

function fakeShard(shardId: number, { groups, shards }: FakeClusterOptions, prng: Prng): ShardView {
  // A few shards are hot, as in life.
  const keys = shardId % 13 === 0 ? 4000 + prng.below(4000) : prng.below(2500);
  return {
    shardId,
    groupId: 100 + Math.floor(shardId * groups / shards),
    state: "Serving",
    keys,
    bytes: keys * (80 + prng.below(400)),
    opsPerSecond: prng.below(400),
  };
}

function fakeGroup(
  gid: number,
  { replicas }: FakeClusterOptions,
  shards: readonly ShardView[],
  prng: Prng,
): GroupView {
  const own = shards.filter((shard) => shard.groupId === gid);
  const bytes = sum(own, (shard) => shard.bytes);
  return {
    gid,
    leaderId: prng.below(replicas) === 0 ? 0 : 1,
    shards: own.map((shard) => shard.shardId),
    keys: sum(own, (shard) => shard.keys),
    bytes,
    storageBytes: bytes * replicas * 2,
    departed: false,
  };
}

function fakeNode(gid: number, id: number, options: FakeClusterOptions, prng: Prng): NodeView {
  const leads = id === 0;
  const commitIndex = 10_000 + gid * 37;
  return {
    gid,
    id,
    address: `127.0.0.1:${gid === 0 ? 50_051 + id : 6001 + (gid - 100) * 10 + id}`,
    role: leads ? "Leader" : "Follower",
    healthy: true,
    lastSeen: options.now,
    error: null,
    term: 3,
    commitIndex,
    lastApplied: commitIndex,
    logFirstIndex: 1,
    logLastIndex: commitIndex + 2,
    lag: leads ? 0 : prng.below(3),
    storageBytes: (40 + prng.below(50)) * MIB,
    version: "0.1.0",
    figures: fakeFigures(prng, leads),
  };
}

function deadNode(node: NodeView, lastSeen: number): NodeView {
  return {
    ...node,
    role: "Offline",
    healthy: false,
    lastSeen,
    error: "UNAVAILABLE: connect ECONNREFUSED",
    lag: null,
    figures: null,
  };
}

function fakeFigures(prng: Prng, leads: boolean): NodeFigures {
  const tenths = (below: number) => prng.below(below * 10) / 10;
  return {
    readsPerSecond: leads ? 800 + prng.below(600) : 0,
    writesPerSecond: leads ? 300 + prng.below(300) : 0,
    failuresPerSecond: 0,
    readP50Ms: leads ? 0.4 + tenths(1) : null,
    readP99Ms: leads ? 2 + tenths(6) : null,
    writeP50Ms: leads ? 1.5 + tenths(2) : null,
    writeP99Ms: leads ? 6 + tenths(9) : null,
    fsyncP50Ms: 0.8 + tenths(1),
    fsyncP99Ms: 2 + tenths(5),
    applyLag: prng.below(4),
    eventLoopLagMs: tenths(5),
    memoryBytes: (85 + prng.below(30)) * MIB,
    heapBytes: (20 + prng.below(10)) * MIB,
    cpuPercent: 4 + tenths(20),
    uptimeMs: 93_784_000,
  };
}

/** Every figure a little up or down, as real ones go. */
function walk(figures: NodeFigures, prng: Prng): NodeFigures {
  const drift = <T extends number | null>(value: T) =>
    value === null ? value : value * (0.96 + prng.below(81) / 1000);
  return {
    ...figures,
    readsPerSecond: drift(figures.readsPerSecond),
    writesPerSecond: drift(figures.writesPerSecond),
    readP99Ms: drift(figures.readP99Ms),
    writeP99Ms: drift(figures.writeP99Ms),
    fsyncP99Ms: drift(figures.fsyncP99Ms),
    applyLag: prng.below(8) === 0 ? prng.below(6) : 0,
    memoryBytes: drift(figures.memoryBytes),
  };
}

function doneMove(now: number): MoveView {
  return {
    configNum: 6,
    shardId: 5,
    fromGid: 101,
    toGid: 100,
    phase: "Done",
    keysDone: 4123,
    bytesDone: 13 * MIB,
    keysTotal: 4123,
    bytesTotal: 13 * MIB,
    bytesPerSecond: 0,
    etaMs: null,
    startedAt: now - 65_000,
    finishedAt: now - 59_000,
  };
}

function overviewOf(
  shards: readonly ShardView[],
  groups: readonly GroupView[],
  nodes: readonly NodeView[],
  problems: readonly Problem[],
): Overview {
  const served = shards.filter((shard) => shard.state !== "Unknown").length;
  const up = nodes.filter((node) => node.healthy).length;
  const figures = nodes.flatMap((node) => node.figures ?? []);
  return {
    health: served < shards.length ? "unavailable" : problems.length > 0 ? "degraded" : "ok",
    shardsServed: served,
    shardsTotal: shards.length,
    nodesUp: up,
    nodesTotal: nodes.length,
    groups: groups.length,
    configNum: 7,
    keys: sum(shards, (shard) => shard.keys),
    bytes: sum(shards, (shard) => shard.bytes),
    storageBytes: sum(nodes, (node) => node.storageBytes),
    readsPerSecond: sum(figures, (node) => node.readsPerSecond),
    writesPerSecond: sum(figures, (node) => node.writesPerSecond),
    readP50Ms: 0.62,
    readP99Ms: 4.1,
    writeP50Ms: 2.4,
    writeP99Ms: 11.8,
    problems,
  };
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
