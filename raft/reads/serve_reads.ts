/** How a leader answers reads: note the commit index, confirm leadership, reply (thesis 6.4). */
import { invariant } from "../../runtime/invariant.ts";
import { isSingleVoter } from "../membership/membership.ts";
import { quorumIndex } from "../membership/quorum.ts";
import { type RaftCore, send } from "../raft_core.ts";
import { hasCommittedInTerm, sendHeartbeats } from "../replication/replication.ts";
import type { LogIndex, NodeId } from "../types.ts";

/**
 * Takes a request in; it is answered once leadership is confirmed.
 *
 * @returns False if too many are under way
 */
export function acceptRead(core: RaftCore, from: NodeId, context: number): boolean {
  invariant(core.role === "leader", () => `Only a leader takes reads, not a ${core.role}`);
  if (holdsLease(core)) {
    answerRead(core, from, context, core.log.commit);
    return true;
  }
  if (core.leaderReads.size >= core.config.pendingReadsMax) return false;
  core.leaderReads.add({ from, context });
  return true;
}

/** Whether no other node can lead now, so that a read need not ask. */
function holdsLease(core: RaftCore): boolean {
  const { lease, nowMs, config: { leaseMs } } = core;
  return leaseMs > 0 && lease.isValid(nowMs, leaseMs) && hasCommittedInTerm(core);
}

/**
 * Begins one round of heartbeats for all requests since the last one. Waits for
 * the first commit of the term: before it a new leader may not know of entries
 * that its predecessor committed.
 */
export function beginReadRound(core: RaftCore): void {
  const { leaderReads } = core;
  if (!leaderReads.hasWaiting || !hasCommittedInTerm(core)) return;
  leaderReads.beginRound(core.log.commit);
  if (isSingleVoter(core.conf, core.config.id)) confirmReads(core);
  else sendHeartbeats(core);
}

/** Answers every round that a quorum has confirmed, and extends the lease. */
export function confirmReads(core: RaftCore): void {
  const { leaderReads, lease, config: { id: self, leaseMs } } = core;
  if (leaseMs === 0 && leaderReads.unconfirmedSequence === 0) return;
  const confirmed = quorumIndex(
    core.conf,
    (id) => id === self ? leaderReads.lastSequence : leaderReads.answeredBy(id),
  );
  lease.confirmed(confirmed);
  for (const { index, requests } of leaderReads.takeConfirmed(confirmed)) {
    for (const { from, context } of requests) answerRead(core, from, context, index);
  }
}

function answerRead(core: RaftCore, to: NodeId, context: number, index: LogIndex): void {
  invariant(index <= core.log.commit, () => `Read index ${index} is committed`);
  const { config: { id: from }, term } = core;
  if (to === from) {
    core.readStates.push({ context, index });
    return;
  }
  send(core, { type: "readIndexResponse", from, to, term, context, index, reject: false });
  // The read waits until the asker has applied that much.
  const asker = core.progress.get(to);
  if (asker !== undefined) asker.isDue = true;
}
