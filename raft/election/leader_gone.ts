/**
 * What a follower does when its leader is not merely silent but gone: the
 * connection to it broke and no new one can be made. Waiting for the rest of the
 * election timeout would then protect nobody. Also what it does when it refuses its
 * vote to a candidate because that one's log is behind its own.
 */
import type { RaftCore } from "../raft_core.ts";
import { type NodeId, NONE } from "../types.ts";

/** Takes the driver's word that a connection to `peer` broke and that none can be made anew. */
export function noticeGone(core: RaftCore, peer: NodeId): void {
  // Under leases a vote before the full timeout could make a leader that lives read stale data.
  if (core.config.leaseMs > 0) return;
  if (core.role === "follower" && core.leader === peer) core.leaderGone = true;
}

/**
 * Called on every tick of a follower. If the leader was reported gone and has
 * missed a heartbeat, the follower acts as if the shortest election timeout had
 * passed: it no longer protects that leader against other candidates, and soon
 * campaigns itself. It asks for pre-votes first, so that a leader whom the others
 * still hear stays. Any message from the leader in the meantime undoes all this.
 */
export function giveUpGoneLeader(core: RaftCore): void {
  const { config: { electionTicks, heartbeatTicks } } = core;
  const isSilent = core.electionElapsed > heartbeatTicks;
  if (!core.leaderGone || !isSilent || core.electionElapsed >= electionTicks) return;
  core.electionElapsed = electionTicks;
  core.electionTimeout = electionTicks + turn(core, [core.leader]);
}

/**
 * Has this node campaign soon, in place of a candidate that it refused because that
 * one's log is behind its own. After a thrifty leader ends (vanguard.ts) this is
 * the normal case, and without this node's log there may be no majority: waiting
 * for the rest of the timeout would only leave the group without a leader. Does
 * nothing while this node knows of a leader that may be alive, or may have promised
 * one, before a restart, to help nobody else (`RaftCore.embargoTicks`).
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
 * Ticks until this node campaigns. All followers notice at about the same time that
 * the leader is gone, so each waits for a turn of its own, which keeps them from
 * splitting the vote. Even the first waits for one tick, so that the others have
 * noticed too before they are asked.
 *
 * @param others Voters that get no turn
 */
function turn({ config: { id, electionTicks }, conf }: RaftCore, others: NodeId[]): number {
  const voters = new Set([...conf.voters, ...conf.votersOutgoing]);
  for (const other of others) voters.delete(other);
  const rank = [...voters].filter((voter) => voter < id).length;
  const stride = Math.max(1, Math.floor(electionTicks / (voters.size + 1)));
  return 1 + rank * stride;
}
