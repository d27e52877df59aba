/** The one way in for messages and ticks: the term decides first, then the role. */
import { invariant, unreachable } from "../runtime/invariant.ts";
import {
  campaign,
  handleVoteRequest,
  isLeaderProtected,
  isPromotable,
  learnCommit,
} from "./election/election.ts";
import { giveUpGoneLeader } from "./election/leader_gone.ts";
import { isVoter } from "./membership/membership.ts";
import { quorumIndex } from "./membership/quorum.ts";
import type { Message } from "./message.ts";
import {
  becomeFollower,
  commitNews,
  dropReads,
  type RaftCore,
  refuseRead,
  send,
} from "./raft_core.ts";
import { beginRace, sendHeartbeats } from "./replication/replication.ts";
import { stepCandidate } from "./step_candidate.ts";
import { stepFollower } from "./step_follower.ts";
import { stepLeader, tryHandOver } from "./step_leader.ts";
import { NONE } from "./types.ts";

/** Handles a message that is addressed to this node. */
export function step(core: RaftCore, message: Message): void {
  invariant(message.to === core.config.id, () => `A message to ${message.to} is for this node`);
  if ("commitTerm" in message) learnCommit(core, message);
  if (message.term < core.term) {
    answerOutdated(core, message);
    return;
  }
  if (message.type === "preVote" || message.type === "vote") {
    if (core.embargoTicks > 0 && !message.force) return;
    if (message.term > core.term && isLeaderProtected(core, message)) return;
    if (message.term > core.term && message.type === "vote") {
      becomeFollower(core, message.term, NONE);
    }
    handleVoteRequest(core, message);
    return;
  }
  if (message.term > core.term) adoptTerm(core, message);
  stepByRole(core, message);
}

/** Follows a higher term (Raft paper 5.1), except one that was only asked about. */
function adoptTerm(core: RaftCore, message: Message): void {
  const isPreVoteGrant = message.type === "preVoteResponse" && !message.reject;
  if (isPreVoteGrant) return;
  const fromLeader = message.type === "append" || message.type === "heartbeat" ||
    message.type === "snapshot";
  becomeFollower(core, message.term, fromLeader ? message.from : NONE);
}

function stepByRole(core: RaftCore, message: Message): void {
  switch (core.role) {
    case "follower":
      return stepFollower(core, message);
    case "preCandidate":
    case "candidate":
      return stepCandidate(core, message);
    case "leader":
      return stepLeader(core, message);
    default:
      return unreachable(core.role);
  }
}

/**
 * Refuses what comes from the past and teaches the sender our term. Without the
 * answer a leader that lost a term while its followers protect it from our
 * candidacy would never hear of us, nor we ever follow it.
 */
function answerOutdated(core: RaftCore, message: Message): void {
  const { config: { id: from }, term } = core;
  const to = message.from;
  switch (message.type) {
    case "append":
    case "heartbeat":
    case "snapshot":
      send(core, {
        type: "appendResponse",
        from,
        to,
        term,
        index: 0,
        reject: true,
        hintIndex: 0,
        hintTerm: 0,
      });
      break;
    case "preVote":
      send(core, { type: "preVoteResponse", from, to, term, reject: true, ...commitNews(core) });
      break;
    case "vote":
      send(core, { type: "voteResponse", from, to, term, reject: true, ...commitNews(core) });
      break;
    case "readIndex":
      refuseRead(core, to, message.context);
      break;
    case "preVoteResponse":
    case "voteResponse":
    case "appendResponse":
    case "heartbeatResponse":
    case "readIndexResponse":
    case "timeoutNow":
      // Answers nobody waits for any more, and a hand-over by a leader that was deposed.
      break;
  }
}

/** One tick of time has passed. */
export function tick(core: RaftCore): void {
  dropReads(core, core.forwardedReads.tick());
  if (core.embargoTicks > 0) core.embargoTicks--;
  core.electionElapsed++;
  if (core.role === "leader") return tickLeader(core);
  giveUpGoneLeader(core);
  if (core.electionElapsed >= core.electionTimeout && isPromotable(core)) {
    // Whoever may not campaign lets it grow: the silence of its leader must stay known to voters.
    core.electionElapsed = 0;
    campaign(core);
  }
}

function tickLeader(core: RaftCore): void {
  core.heartbeatElapsed++;
  if (core.transferee !== NONE) {
    core.transferElapsed++;
    // The target did not take over in time; serve again rather than wait for it.
    if (core.transferElapsed >= core.config.electionTicks) core.transferee = NONE;
  }
  if (core.transferee === NONE && !isVoter(core.conf, core.config.id)) {
    // Removed, and nobody has taken over: it is up to the others now.
    becomeFollower(core, core.term, NONE);
    return;
  }
  if (core.electionElapsed >= core.config.electionTicks) {
    core.electionElapsed = 0;
    if (core.config.checkQuorum && !hearsQuorum(core)) {
      becomeFollower(core, core.term, NONE);
      return;
    }
  }
  if (core.heartbeatElapsed >= core.config.heartbeatTicks) {
    sendHeartbeats(core);
    // Who is fastest may have changed.
    beginRace(core);
    // The word may be lost, or come before the heir has applied a change of members that it knows of.
    tryHandOver(core);
  }
}

/** Whether a quorum was heard since the last call (thesis 6.2). */
function hearsQuorum(core: RaftCore): boolean {
  const { progress, config: { id: self } } = core;
  const heard = quorumIndex(
    core.conf,
    (id) => id === self || progress.get(id)?.recentActive ? 1 : 0,
  );
  for (const member of progress.values()) member.beginCheck();
  return heard >= 1;
}
