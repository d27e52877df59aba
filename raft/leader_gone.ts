/**
 * What a follower makes of the news that its leader is not merely silent: the
 * connection broke and nobody answers there any more. Waiting for the rest of
 * the election timeout would then protect nobody. And what it makes of a
 * candidate that comes from a log which is behind its own.
 */
import type { RaftCore } from "./raft_core.ts";
import { type NodeId, NONE } from "./types.ts";

/** Takes the driver's word that a connection to `peer` broke and that none can be made anew. */
export function noticeGone(core: RaftCore, peer: NodeId): void {
  // Under leases a vote before the full timeout could make a leader that lives read stale data.
  if (core.config.leaseMs > 0) return;
  if (core.role === "follower" && core.leader === peer) core.leaderGone = true;
}

/**
 * On a tick of a follower: if its leader is gone and has indeed missed a
 * heartbeat, acts as if the shortest election timeout had passed. So the
 * follower no longer protects that leader from others, and campaigns soon
 * itself, pre-vote first: a leader that others hear stays. Word from it in the
 * meantime takes everything back.
 */
export function giveUpGoneLeader(core: RaftCore): void {
  const { config: { electionTicks, heartbeatTicks } } = core;
  const isSilent = core.electionElapsed > heartbeatTicks;
  if (!core.leaderGone || !isSilent || core.electionElapsed >= electionTicks) return;
  core.electionElapsed = electionTicks;
  core.electionTimeout = electionTicks + turn(core, [core.leader]);
}

/**
 * Stands in for a candidate that was refused because its log is behind this
 * one, as is the rule when a thrifty leader ends: a majority may need this vote,
 * so that waiting for the rest of the timeout would only keep the group without
 * a leader. Does nothing while this node knows of a leader that may be alive, or
 * may have promised to wait for one that it has forgotten.
 */
export function standInFor(core: RaftCore, candidate: NodeId): void {
  const { config: { electionTicks }, role, leader, embargoTicks } = core;
  if (embargoTicks > 0) return;
  if (role !== "follower" || (leader !== NONE && core.electionElapsed < electionTicks)) return;
  core.electionElapsed = Math.max(core.electionElapsed, electionTicks);
  const soon = core.electionElapsed + turn(core, [leader, candidate]);
  core.electionTimeout = Math.min(core.electionTimeout, soon);
}

/**
 * Ticks until this node campaigns. All followers learn of a leader's end at
 * about the same time; taking turns keeps them from splitting the vote, and one
 * tick lets the others notice before the first asks them.
 *
 * @param others Voters that take no turn
 */
function turn({ config: { id, electionTicks }, conf }: RaftCore, others: NodeId[]): number {
  const voters = new Set([...conf.voters, ...conf.votersOutgoing]);
  for (const other of others) voters.delete(other);
  const rank = [...voters].filter((voter) => voter < id).length;
  const stride = Math.max(1, Math.floor(electionTicks / (voters.size + 1)));
  return 1 + rank * stride;
}
