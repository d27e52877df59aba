/** Shards as the page shows them. Pure. */
import type { ShardStatus } from "../../client/status/node_status.ts";
import type { Config, Gid, ShardId } from "../../shardctrler/configuration/config.ts";
import type { MovePhase, ShardState, ShardView } from "../api.ts";
import type { GroupReport } from "./group_report.ts";
import { round } from "./metrics_interval.ts";
import type { NodeObservation } from "./observation.ts";

const STATES: ReadonlySet<string> = new Set<ShardState>([
  "Serving",
  "Pulling",
  "BePulling",
  "GCing",
  "Frozen",
]);

/** Phases of a move in which its source still serves the shard. */
const SERVED_AT_SOURCE: ReadonlySet<string> = new Set<MovePhase>([
  "Waiting",
  "Copying",
  "CatchingUp",
]);

/** What one group says of a shard. */
interface ShardReport extends ShardStatus {
  readonly isLeader: boolean;
  readonly isOwner: boolean;
}

export interface ShardViews {
  /** By number. */
  readonly shards: readonly ShardView[];
  /** Numbers of those that nobody serves. */
  readonly unserved: readonly ShardId[];
}

/**
 * Every shard of the configuration: its state where it belongs or, before its
 * owner has heard of it, where it still is; its size where all its data is.
 */
export function shardViews(
  config: Config | undefined,
  groupReports: ReadonlyMap<Gid, GroupReport>,
  nodes: readonly NodeObservation[],
): ShardViews {
  if (config === undefined) return { shards: [], unserved: [] };
  const reports = reportsByShard(config, groupReports.values());
  const copied = servedWhileCopied(groupReports);
  const operations = operationsByShard(nodes);
  const unserved: ShardId[] = [];
  const shards = config.shards.map((groupId, shardId): ShardView => {
    const all = reports.get(shardId) ?? [];
    if (!copied.has(shardId) && !all.some(isServing)) unserved.push(shardId);
    const whole = all.toSorted((a, b) => completeness(b) - completeness(a))[0];
    return {
      shardId,
      groupId,
      state: stateOf(all, whole),
      keys: whole?.keys ?? 0,
      bytes: whole?.bytes ?? 0,
      opsPerSecond: round(operations.get(shardId) ?? 0),
    };
  });
  return { shards, unserved };
}

function reportsByShard(
  config: Config,
  groupReports: Iterable<GroupReport>,
): Map<ShardId, ShardReport[]> {
  const reports = new Map<ShardId, ShardReport[]>();
  for (const { gid, isLeader, shards } of groupReports) {
    for (const status of shards.values()) {
      const report = { ...status, isLeader, isOwner: config.shards[status.shard] === gid };
      const present = reports.get(status.shard);
      if (present === undefined) reports.set(status.shard, [report]);
      else present.push(report);
    }
  }
  return reports;
}

/**
 * Shards whose source serves them still, although it calls them BePulling, as
 * it will to the end: how far a move is only the group knows that takes it in.
 */
function servedWhileCopied(groupReports: ReadonlyMap<Gid, GroupReport>): Set<ShardId> {
  const served = new Set<ShardId>();
  for (const { moves } of groupReports.values()) {
    for (const { shard, fromGid, phase } of moves) {
      const source = groupReports.get(fromGid);
      const isThere = source?.isLeader === true && source.shards.has(shard);
      if (isThere && SERVED_AT_SOURCE.has(phase)) served.add(shard);
    }
  }
  return served;
}

function isServing({ isLeader, status }: ShardReport): boolean {
  return isLeader && (status === "Serving" || status === "GCing");
}

function stateOf(reports: readonly ShardReport[], whole: ShardReport | undefined): ShardState {
  const report = reports.find(({ isOwner }) => isOwner) ?? whole;
  if (report === undefined || !report.isLeader) return "Unknown";
  return isState(report.status) ? report.status : "Unknown";
}

function isState(text: string): text is ShardState {
  return STATES.has(text);
}

/** Who serves a shard has all of it, and so has who has frozen it; who pulls it has a part. */
function completeness({ isLeader, isOwner, status }: ShardReport): number {
  const whole = status === "Pulling" ? 0 : status === "Serving" || status === "GCing" ? 2 : 1;
  return 4 * whole + 2 * Number(isLeader) + Number(isOwner);
}

/**
 * Reads and writes of each shard per second: reads are answered by one replica
 * each, writes are applied by every replica.
 */
function operationsByShard(nodes: readonly NodeObservation[]): Map<ShardId, number> {
  const reads = new Map<ShardId, number>();
  const writes = new Map<ShardId, number>();
  for (const { isUp, interval } of nodes) {
    if (!isUp || interval === undefined) continue;
    for (const [shard, rates] of interval.shards) {
      reads.set(shard, (reads.get(shard) ?? 0) + rates.reads);
      writes.set(shard, Math.max(writes.get(shard) ?? 0, rates.writes));
    }
  }
  for (const [shard, rate] of writes) reads.set(shard, (reads.get(shard) ?? 0) + rate);
  return reads;
}
