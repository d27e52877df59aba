/** From what was observed to what the page shows. Pure. */
import { Histogram } from "../../runtime/histogram.ts";
import { CONTROLLERS_GID } from "../../shardctrler/configuration/config.ts";
import type { ClusterState, Health, NodeView, Overview, Problem } from "../api.ts";
import { groupReports } from "./group_report.ts";
import { groupViews } from "./group_view.ts";
import { percentileMs, round } from "./metrics_interval.ts";
import { nodeViews } from "./node_view.ts";
import type { NodeObservation, Observation } from "./observation.ts";
import { findProblems } from "./problems.ts";
import { type ShardViews, shardViews } from "./shard_view.ts";

/** Latencies of all servers together; those of the servers are as fine. */
const BUCKETS_PER_DOUBLING = 16;

/** @param before The state before, from which problems keep their times */
export function buildState(
  observation: Observation,
  before: ClusterState | undefined,
): ClusterState {
  const { config, moves, at, intervalMs } = observation;
  const reports = groupReports(observation.nodes);
  const nodes = nodeViews(observation.nodes);
  const shards = shardViews(config, reports, observation.nodes);
  const groups = groupViews({
    config,
    nodes: observation.nodes,
    reports,
    shards: shards.shards,
  });
  const problems = findProblems({
    observation,
    nodes,
    shards,
    departed: groups.filter(({ departed }) => departed).map(({ gid }) => gid),
    before: before?.overview.problems ?? [],
  });
  const controllerLeader = nodes.find(({ gid, role }) =>
    gid === CONTROLLERS_GID && role === "Leader"
  );
  return {
    overview: overviewOf({ observation, nodes, shards, problems }),
    controllerLeaderId: controllerLeader?.id ?? null,
    nodes,
    groups,
    shards: shards.shards,
    moves,
    updatedAt: at,
    intervalMs,
  };
}

interface OverviewSources {
  readonly observation: Observation;
  readonly nodes: readonly NodeView[];
  readonly shards: ShardViews;
  readonly problems: readonly Problem[];
}

function overviewOf({ observation, nodes, shards, problems }: OverviewSources): Overview {
  const { config } = observation;
  const replicas = observation.nodes.filter(({ gid, isUp }) => gid !== CONTROLLERS_GID && isUp);
  const reads = merged(replicas, "readLatency");
  const writes = merged(replicas, "writeLatency");
  const total = shards.shards.length;
  return {
    health: healthOf(observation, shards, problems),
    shardsServed: total - shards.unserved.length,
    shardsTotal: total,
    nodesUp: nodes.filter(({ healthy }) => healthy).length,
    nodesTotal: nodes.length,
    groups: config?.groups.size ?? 0,
    configNum: config?.num ?? 0,
    keys: shards.shards.reduce((sum, { keys }) => sum + keys, 0),
    bytes: shards.shards.reduce((sum, { bytes }) => sum + bytes, 0),
    storageBytes: nodes.reduce((sum, { storageBytes }) => sum + storageBytes, 0),
    readsPerSecond: rateOf(replicas, "readsPerSecond"),
    writesPerSecond: rateOf(replicas, "writesPerSecond"),
    readP50Ms: percentileMs(reads, 50),
    readP99Ms: percentileMs(reads, 99),
    writeP50Ms: percentileMs(writes, 50),
    writeP99Ms: percentileMs(writes, 99),
    problems,
  };
}

function healthOf(
  { config, nodes }: Observation,
  { unserved }: ShardViews,
  problems: readonly Problem[],
): Health {
  const isAnswered = nodes.some(({ gid, isUp }) => gid === CONTROLLERS_GID && isUp);
  if (config === undefined || !isAnswered) return "unknown";
  if (unserved.length > 0) return "unavailable";
  return problems.length > 0 ? "degraded" : "ok";
}

function merged(
  nodes: readonly NodeObservation[],
  which: "readLatency" | "writeLatency",
): Histogram {
  const all = new Histogram(BUCKETS_PER_DOUBLING);
  for (const { interval } of nodes) {
    const histogram = interval?.[which];
    // Of a version whose buckets are others nothing can be added up.
    if (histogram?.bucketsPerDoubling !== BUCKETS_PER_DOUBLING || histogram.count === 0) continue;
    for (const bucket of histogram.buckets()) all.recordBucket(bucket);
  }
  return all;
}

function rateOf(
  nodes: readonly NodeObservation[],
  which: "readsPerSecond" | "writesPerSecond",
): number {
  return round(nodes.reduce((sum, { interval }) => sum + (interval?.figures[which] ?? 0), 0));
}
