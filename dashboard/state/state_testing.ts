/** Clusters made of a few words, for tests of the views. */
import type { ShardStatus } from "../../client/status/node_status.ts";
import type { GetMetricsResponse, ValueHistogram } from "../../proto/gen/node.ts";
import type { MoveInfo } from "../../proto/gen/shardkv.ts";
import { Histogram } from "../../runtime/histogram.ts";
import { type Config, emptyConfig, type Gid } from "../../shardctrler/configuration/config.ts";
import type { GroupReport } from "./group_report.ts";
import type { NodeAnswer, NodeObservation, Observation } from "./observation.ts";

export const NOW = 1_700_000_000_000;

/** A configuration of these owners; each group has three servers. */
export function configOf(num: number, shards: readonly Gid[], gids: readonly Gid[] = shards) {
  const groups = new Map(
    [...new Set(gids)].filter((gid) => gid !== 0).map((gid) => [gid, serversOfGroup(gid)]),
  );
  return { ...emptyConfig(shards.length, "7"), num, shards, groups } satisfies Config;
}

export function serversOfGroup(gid: Gid): string[] {
  return [0, 1, 2].map((id) => addressOf(gid, id));
}

export function addressOf(gid: Gid, id: number): string {
  return `g${gid}:${6000 + id}`;
}

export function shard(
  number: number,
  status = "Serving",
  keys = 10,
  bytes = 100,
): ShardStatus {
  return { shard: number, status, keys, bytes };
}

export function answer(id: number, parts: Partial<NodeAnswer> = {}): NodeAnswer {
  return {
    id,
    role: "Follower",
    term: 3,
    applied: 50,
    commit: 50,
    storageBytes: 1_000,
    leaderAddress: undefined,
    configNum: 1,
    logFirstIndex: 1,
    logLastIndex: 50,
    version: "1.0.0",
    error: undefined,
    shards: [],
    moves: [],
    ...parts,
  };
}

export function node(
  gid: Gid,
  id: number,
  parts: Partial<NodeAnswer> = {},
  observed: Partial<NodeObservation> = {},
): NodeObservation {
  return {
    gid,
    id,
    address: addressOf(gid, id),
    answer: answer(id, parts),
    lastSeen: NOW,
    isUp: true,
    error: null,
    isLearner: false,
    interval: undefined,
    ...observed,
  };
}

/** A server that fell silent a while ago. */
export function down(
  gid: Gid,
  id: number,
  parts: Partial<NodeAnswer> = {},
): NodeObservation {
  return node(gid, id, parts, { isUp: false, lastSeen: NOW - 5_000, error: "Nobody is there" });
}

/** Three servers, the first of which leads, and which hold these shards. */
export function group(gid: Gid, shards: readonly ShardStatus[] = [], configNum = 1) {
  return [0, 1, 2].map((id) =>
    node(gid, id, { role: id === 0 ? "Leader" : "Follower", shards, configNum })
  );
}

export function observation(parts: Partial<Observation> = {}): Observation {
  return {
    config: undefined,
    nodes: [],
    moves: [],
    stalled: [],
    at: NOW,
    intervalMs: 5_000,
    ...parts,
  };
}

export function report(
  gid: Gid,
  configNum: number,
  shards: readonly ShardStatus[],
  parts: Partial<GroupReport> = {},
): [Gid, GroupReport] {
  const byNumber = new Map(shards.map((one) => [one.shard, one]));
  return [gid, { gid, isLeader: true, configNum, shards: byNumber, moves: [], ...parts }];
}

export function moveInfo(parts: Partial<MoveInfo>): MoveInfo {
  return {
    shard: 0,
    configNum: 2,
    fromGid: 1,
    phase: "Copying",
    keysDone: 0,
    bytesDone: 0,
    keysTotal: 0,
    bytesTotal: 0,
    elapsedMs: 0,
    bytesPerSecond: 0,
    ...parts,
  };
}

export function counts(parts: Partial<GetMetricsResponse>): GetMetricsResponse {
  return {
    startId: "1",
    gid: 1,
    id: 0,
    uptimeMs: 0,
    reads: 0,
    writes: 0,
    failures: 0,
    readLatency: histogram(),
    writeLatency: histogram(),
    logSync: histogram(),
    tickLag: histogram(),
    applyLag: 0,
    memoryBytes: 0,
    heapBytes: 0,
    cpuUs: 0,
    shards: [],
    ...parts,
  };
}

/** As a server sends it. */
export function histogram(...values: number[]): ValueHistogram {
  const all = new Histogram(16);
  for (const value of values) all.record(value);
  const buckets = [...all.buckets()];
  return {
    bucketsPerDoubling: 16,
    indexes: buckets.map(({ index }) => index),
    counts: buckets.map(({ count }) => count),
  };
}
