/** What a leader does with messages of its term. */
import { invariant } from "../runtime/invariant.ts";
import { isVoter } from "./membership/membership.ts";
import type { AppendResponse, HeartbeatResponse, Message } from "./message.ts";
import { type RaftCore, refuseRead, send } from "./raft_core.ts";
import { acceptRead, confirmReads } from "./reads/serve_reads.ts";
import type { Progress } from "./replication/progress.ts";
import { advanceCommit } from "./replication/replication.ts";
import type { NodeId } from "./types.ts";

export function stepLeader(core: RaftCore, message: Message): void {
  invariant(core.role === "leader", () => `Stepping as leader, not as ${core.role}`);
  switch (message.type) {
    case "appendResponse":
      handleAppendResponse(core, message);
      break;
    case "heartbeatResponse":
      handleHeartbeatResponse(core, message);
      break;
    case "readIndex":
      if (!acceptRead(core, message.from, message.context)) {
        refuseRead(core, message.from, message.context);
      }
      break;
    case "preVote":
    case "vote":
    case "preVoteResponse":
    case "voteResponse":
    case "append":
    case "heartbeat":
    case "snapshot":
    case "timeoutNow":
    case "readIndexResponse":
      // Late answers to our election, or what only the leader of this term
      // sends, and that is us: such a message is forged or misdirected.
      break;
  }
}

function handleAppendResponse(core: RaftCore, message: AppendResponse): void {
  const progress = core.progress.get(message.from);
  if (progress === undefined) return;
  progress.recentActive = true;
  if (message.reject) {
    handleRefusal(core, message, progress);
    return;
  }
  // Nobody can have more than was sent.
  if (message.index > core.log.lastIndex) return;
  const advanced = progress.acknowledge(message.index);
  if (advanced) judgeRace(core);
  if (message.from !== core.config.id) resumeReplication(core, message, progress, advanced);
  if (advanced) advanceCommit(core);
  if (message.from === core.transferee) tryHandOver(core);
}

function judgeRace({ config: { id, thrifty }, conf, progress, vanguard }: RaftCore): void {
  if (thrifty) vanguard.judge(conf, id, (other) => progress.get(other)?.match ?? 0);
}

function resumeReplication(
  core: RaftCore,
  message: AppendResponse,
  progress: Progress,
  advanced: boolean,
): void {
  switch (progress.state) {
    case "probe":
      if (advanced || message.index === progress.match) progress.becomeReplicate();
      break;
    case "replicate":
      progress.inflights.freeTo(message.index);
      break;
    case "snapshot":
      // Any snapshot will do, ours or a later one, if our log goes on from there.
      if (advanced && progress.match >= core.log.start.index) progress.becomeReplicate();
      break;
  }
}

function handleRefusal(core: RaftCore, message: AppendResponse, progress: Progress): void {
  if (message.from === core.config.id) return;
  // The follower skipped its entries above our term there; we skip ours above
  // its term, so that each round trip gets past a whole term (end of section 5.3).
  const hint = core.log.lastIndexOfTerm(message.hintIndex, message.hintTerm);
  progress.refuse(message.index, hint);
}

function handleHeartbeatResponse(core: RaftCore, message: HeartbeatResponse): void {
  const progress = core.progress.get(message.from);
  if (progress === undefined) return;
  progress.recentActive = true;
  // The member is there: whatever we wait for may be lost, so try again.
  progress.probeSent = false;
  progress.pingDue = progress.state === "snapshot" || progress.match < core.log.lastIndex;
  if (message.context === 0) return;
  core.leaderReads.answer(message.from, message.context);
  confirmReads(core);
}

/**
 * Starts handing leadership to a voter: it is caught up first, then told to
 * campaign at once (thesis 3.10).
 *
 * @returns Whether that can be tried
 */
export function beginTransfer(core: RaftCore, to: NodeId): boolean {
  if (core.role !== "leader" || to === core.config.id) return false;
  if (!core.progress.has(to) || !isVoter(core.conf, to)) return false;
  if (core.transferee === to) return true;
  core.transferee = to;
  core.transferElapsed = 0;
  // The word to campaign may arrive long after the hand-over was given up.
  core.lease.giveUp();
  tryHandOver(core);
  return true;
}

/** Tells the node that leadership is being handed to, if there is one and it is ready, to campaign. */
export function tryHandOver(core: RaftCore): void {
  const { config: { id: from }, term, transferee: to } = core;
  if (core.progress.get(to)?.match !== core.log.lastIndex) return;
  send(core, { type: "timeoutNow", from, to, term });
}
