/** Servers as the page shows them. Pure. */
import type { NodeRole, NodeView } from "../api.ts";
import { byGroup, leaderOf, type NodeObservation } from "./observation.ts";

/** By gid and id, the controllers first. */
export function nodeViews(nodes: readonly NodeObservation[]): NodeView[] {
  const leaders = new Map(
    [...byGroup(nodes)].map(([gid, members]) => [gid, leaderOf(members)]),
  );
  return nodes
    .map((node) => nodeView(node, leaders.get(node.gid)))
    .sort((a, b) => a.gid - b.gid || a.id - b.id);
}

function nodeView(node: NodeObservation, leader: NodeObservation | undefined): NodeView {
  const { gid, id, address, answer, isUp, lastSeen, error, interval } = node;
  return {
    gid,
    id,
    address,
    role: roleOf(node),
    healthy: isUp,
    lastSeen,
    error,
    term: answer?.term ?? 0,
    commitIndex: answer?.commit ?? 0,
    lastApplied: answer?.applied ?? 0,
    logFirstIndex: answer?.logFirstIndex ?? 0,
    logLastIndex: answer?.logLastIndex ?? 0,
    lag: lagOf(node, leader),
    storageBytes: answer?.storageBytes ?? 0,
    version: answer?.version ?? "",
    // What a server measured before it fell silent says nothing of now.
    figures: isUp ? interval?.figures ?? null : null,
  };
}

function roleOf({ isUp, answer, isLearner }: NodeObservation): NodeRole {
  if (!isUp || answer === undefined) return "Offline";
  return isLearner && answer.role === "Follower" ? "Learner" : answer.role;
}

function lagOf(node: NodeObservation, leader: NodeObservation | undefined): number | null {
  if (leader?.answer === undefined || node.answer === undefined) return null;
  return Math.max(0, leader.answer.commit - node.answer.applied);
}
