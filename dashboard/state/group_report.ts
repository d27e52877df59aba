/**
 * What is known of a shard group as a whole: what its leader has answered or, while it has none,
 * the server that has applied the most. Pure.
 */
import type { ShardStatus } from "../../client/status/node_status.ts";
import type { MoveInfo } from "../../proto/gen/shardkv.ts";
import { CONTROLLERS_GID, type Gid, type ShardId } from "../../shardctrler/configuration/config.ts";
import { byGroup, leaderOf, type NodeObservation } from "./observation.ts";

export interface GroupReport {
  readonly gid: Gid;
  /** It comes from the leader, so it holds now; otherwise it is the latest that is known. */
  readonly isLeader: boolean;
  readonly configNum: number;
  readonly shards: ReadonlyMap<ShardId, ShardStatus>;
  readonly moves: readonly MoveInfo[];
}

/** For every shard group of which any server has ever answered. */
export function groupReports(nodes: readonly NodeObservation[]): Map<Gid, GroupReport> {
  const reports = new Map<Gid, GroupReport>();
  for (const [gid, members] of byGroup(nodes)) {
    const leader = leaderOf(members);
    const answer = (leader ?? mostApplied(members))?.answer;
    if (gid === CONTROLLERS_GID || answer === undefined) continue;
    reports.set(gid, {
      gid,
      isLeader: leader !== undefined,
      configNum: answer.configNum,
      shards: new Map(answer.shards.map((shard) => [shard.shard, shard])),
      moves: leader === undefined ? [] : answer.moves,
    });
  }
  return reports;
}

function mostApplied(members: readonly NodeObservation[]): NodeObservation | undefined {
  const applied = ({ answer }: NodeObservation) => answer?.applied ?? -1;
  return members.toSorted((a, b) => applied(b) - applied(a) || Number(b.isUp) - Number(a.isUp))[0];
}
