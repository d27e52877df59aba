/**
 * The shards that are moving between groups, as told by the leaders of the groups
 * that gain them.
 */
import type { MoveInfo } from "../../proto/gen/shardkv.ts";
import type { Config, Gid } from "../../shardctrler/configuration/config.ts";
import type { NodeStatus } from "./node_status.ts";

/** One shard on its way. */
export interface Move extends MoveInfo {
  /** Where it goes. */
  readonly gid: Gid;
}

/** What is known of all moves at one moment. */
export interface Moves {
  /** The latest configuration. */
  readonly configNum: number;
  /** By shard. */
  readonly moves: readonly Move[];
  /** Groups whose leader has not answered, or is not in that configuration: they may have moves to come. */
  readonly behind: readonly Gid[];
}

/** Puts together what the servers of all groups of a configuration say. */
export function movesOf(config: Config, nodes: readonly NodeStatus[]): Moves {
  const moves: Move[] = [];
  const behind: Gid[] = [];
  for (const gid of [...config.groups.keys()].sort((a, b) => a - b)) {
    const leader = leaderOf(nodes.filter((node) => node.gid === gid));
    if (leader === undefined || leader.configNum < config.num) behind.push(gid);
    for (const move of leader?.moves ?? []) moves.push({ ...move, gid });
  }
  moves.sort((a, b) => a.shard - b.shard);
  return { configNum: config.num, moves, behind };
}

/** Whether every group has all its shards of the configuration. */
export function isSettled({ moves, behind }: Moves): boolean {
  return moves.length === 0 && behind.length === 0;
}

/** Of several who say that they lead it is the one of the highest term. */
function leaderOf(nodes: readonly NodeStatus[]): NodeStatus | undefined {
  return nodes.filter(({ role }) => role === "Leader").sort((a, b) => b.term - a.term)[0];
}
