/**
 * How a group changes its members. The leader proposes the change, and every node
 * switches to the new configuration when it applies the entry. (So does etcd; in
 * the paper a node switches as soon as the entry is in its log.) A leader ends a
 * joint configuration by itself.
 *
 * Why it is safe to switch this late: a change is proposed only once the one before
 * it is applied, and every message that carries it also says that the one before is
 * committed. So a node with change n in its log knows that change n - 1 is
 * committed, and must apply that one before it campaigns. It then counts votes by
 * configuration n - 1 or n, and majorities of neighbouring configurations overlap.
 */
import { invariant } from "../../runtime/invariant.ts";
import { ProposalError } from "../proposal_error.ts";
import { appendOwn, becomeFollower, newProgress, type RaftCore } from "../raft_core.ts";
import { confirmReads } from "../reads/serve_reads.ts";
import { advanceCommit, beginRace, hasCommittedInTerm } from "../replication/replication.ts";
import { beginTransfer } from "../step_leader.ts";
import { type LogIndex, type NodeId, NONE } from "../types.ts";
import { changeConf, type ConfChange, ConfChangeError } from "./conf_change.ts";
import { isJoint, isVoter, members } from "./membership.ts";

/** @throws {ProposalError} `changing` or `invalidChange` if the change may not be proposed now */
export function checkConfChange(core: RaftCore, change: ConfChange): void {
  const { log, pendingConfIndex } = core;
  if (!hasCommittedInTerm(core)) {
    // Two leaders could otherwise change the same configuration in different
    // ways whose majorities do not overlap.
    throw new ProposalError(
      "changing",
      `Cannot change the members: nothing of term ${core.term} is committed yet`,
    );
  }
  if (log.applied < pendingConfIndex) {
    throw new ProposalError(
      "changing",
      `Cannot change the members: entry ${pendingConfIndex}, which may change them, ` +
        `is not applied yet, only ${log.applied} is`,
    );
  }
  try {
    changeConf(core.conf, change);
  } catch (error) {
    if (!(error instanceof ConfChangeError)) throw error;
    const code = isJoint(core.conf) && change.changes.length > 0 ? "changing" : "invalidChange";
    throw new ProposalError(code, error.message, { cause: error });
  }
}

/** Appends a change that was checked. */
export function appendConfChange(core: RaftCore, data: Uint8Array): LogIndex {
  core.pendingConfIndex = appendOwn(core, data, "confChange");
  return core.pendingConfIndex;
}

/** Has a leader end a joint configuration once it is in force; an entry without data does that. */
export function leaveJointIfDue(core: RaftCore): void {
  const { conf, log, role, transferee, pendingConfIndex } = core;
  if (role !== "leader" || !conf.autoLeave || transferee !== NONE) return;
  if (log.applied < pendingConfIndex || !hasCommittedInTerm(core)) return;
  appendConfChange(core, new Uint8Array(0));
}

/** Puts a committed change in force. */
export function applyConfChange(core: RaftCore, change: ConfChange): void {
  core.conf = changeConf(core.conf, change);
  if (core.role !== "leader") {
    // Votes that are still to come must not make somebody lead who does not belong here any more.
    const isCampaigning = core.role === "candidate" || core.role === "preCandidate";
    if (isCampaigning && !isVoter(core.conf, core.config.id)) {
      becomeFollower(core, core.term, NONE);
    }
    return;
  }
  const { progress } = core;
  const present = new Set(members(core.conf));
  for (const id of progress.keys()) if (!present.has(id)) progress.delete(id);
  for (const id of present) {
    if (progress.has(id)) continue;
    const fresh = newProgress(core);
    // It had no chance to be heard yet; counting it as silent could depose us at once.
    fresh.recentActive = true;
    progress.set(id, fresh);
  }
  beginRace(core);
  if (!isVoter(core.conf, core.transferee)) core.transferee = NONE;
  // Two changes on, a majority may overlap with nobody who has answered until now.
  core.lease.votersChanged();
  // Fewer members may be enough now.
  advanceCommit(core);
  confirmReads(core);
  if (!isVoter(core.conf, core.config.id)) handOver(core);
}

/**
 * A leader without a vote leads on until its own removal is committed (paper
 * section 6). Then it goes, but does not leave the group without a leader: it hands
 * over to the voter with the longest log, and steps down when that one leads or
 * after an election timeout.
 */
function handOver(core: RaftCore): void {
  let furthest: { id: NodeId; match: LogIndex } | undefined;
  for (const [id, { match }] of core.progress) {
    if (!isVoter(core.conf, id) || match <= (furthest?.match ?? -1)) continue;
    furthest = { id, match };
  }
  invariant(furthest !== undefined, "A leader knows the voters");
  beginTransfer(core, furthest.id);
}
