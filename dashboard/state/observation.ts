/** What the collector has seen of a cluster, at one moment: plain values, from which the views are made. */
import type { ShardStatus } from "../../client/status/node_status.ts";
import type { ServerState } from "../../client/status/server_state.ts";
import type { MoveInfo } from "../../proto/gen/shardkv.ts";
import type { Config, Gid } from "../../shardctrler/configuration/config.ts";
import type { Instant, MoveView } from "../api.ts";
import type { MetricsInterval } from "./metrics_interval.ts";

/** What a server said of itself. */
export interface NodeAnswer extends ServerState {
  readonly id: number;
  /** None on a controller. */
  readonly shards: readonly ShardStatus[];
  /** On the leader of a group: the shards on their way to it. */
  readonly moves: readonly MoveInfo[];
}

/** One server, as of when it was asked last. */
export interface NodeObservation {
  /** CONTROLLERS_GID: a controller. */
  readonly gid: Gid;
  readonly id: number;
  readonly address: string;
  /** Its last answer, however old; undefined if it never gave one. */
  readonly answer: NodeAnswer | undefined;
  readonly lastSeen: Instant | null;
  readonly isUp: boolean;
  /** Why it does not answer; null if it does. */
  readonly error: string | null;
  /** It has no vote. */
  readonly isLearner: boolean;
  /** What it did between the last two looks at its figures. */
  readonly interval: MetricsInterval | undefined;
}

/** Shards that a group has been taking in for too long without any headway. */
export interface StalledMoves {
  readonly gid: Gid;
  readonly shardId: number;
  readonly count: number;
  readonly since: Instant;
}

export interface Observation {
  /** The latest configuration; undefined while none is known. */
  readonly config: Config | undefined;
  /** Every server that belongs to the cluster, or to a group that left and still holds shards. */
  readonly nodes: readonly NodeObservation[];
  /** Under way first, then the latest that are done. */
  readonly moves: readonly MoveView[];
  readonly stalled: readonly StalledMoves[];
  readonly at: Instant;
  /** Milliseconds between two looks at the figures. */
  readonly intervalMs: number;
}

/** The leader among servers of one group: of two that think so, the one of the later term. */
export function leaderOf(nodes: readonly NodeObservation[]): NodeObservation | undefined {
  let leader: NodeObservation | undefined;
  for (const node of nodes) {
    if (!node.isUp || node.answer?.role !== "Leader") continue;
    if (node.answer.term > (leader?.answer?.term ?? -1)) leader = node;
  }
  return leader;
}

/** The servers of each group, the controllers' too. */
export function byGroup(nodes: readonly NodeObservation[]): Map<Gid, NodeObservation[]> {
  return Map.groupBy(nodes, ({ gid }) => gid);
}
