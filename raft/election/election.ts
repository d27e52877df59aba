/** How a node comes to lead: campaigns, votes, and who may have one (Raft paper 5.2, 5.4.1; thesis 9.6). */
import { invariant } from "../../runtime/invariant.ts";
import { isVoter } from "../membership/membership.ts";
import { voteResult } from "../membership/quorum.ts";
import type { TimeoutNow, VoteRequest, VoteResponse } from "../message.ts";
import {
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePreCandidate,
  commitNews,
  type RaftCore,
  send,
} from "../raft_core.ts";
import { type NodeId, NONE } from "../types.ts";
import { standInFor } from "./leader_gone.ts";

/** Whether this node may campaign: it votes, its machine waits for no snapshot, and it knows who votes. */
export function isPromotable(core: RaftCore): boolean {
  return isVoter(core.conf, core.config.id) && core.log.applied >= core.log.start.index &&
    !hasUnappliedConfChange(core);
}

/**
 * Whether this node knows of a committed change of members that it has not applied
 * yet. Such a node must not campaign: it would count votes by an outdated
 * configuration, and majorities of two configurations are sure to overlap only if
 * they are at most one change apart.
 */
function hasUnappliedConfChange({ log }: RaftCore): boolean {
  for (let index = log.applied + 1; index <= log.commit; index++) {
    if (log.at(index).kind === "confChange") return true;
  }
  return false;
}

/** Begins an election as the configuration wants it. */
export function campaign(core: RaftCore): void {
  if (core.role === "leader" || !isPromotable(core)) return;
  if (core.config.preVote) preCampaign(core);
  else campaignForReal(core, false);
}

function preCampaign(core: RaftCore): void {
  becomePreCandidate(core);
  requestVotes(core, { type: "preVote", force: false });
  // Nothing is promised by a pre-vote, so our own need not wait for the disk.
  recordVote(core, core.config.id, true);
}

/** @param force The voters shall not protect the leader they hear from: it asked for this */
function campaignForReal(core: RaftCore, force: boolean): void {
  becomeCandidate(core);
  requestVotes(core, { type: "vote", force });
  const { config: { id }, term } = core;
  // Our own vote counts when it comes back, after it is on disk.
  const news = commitNews(core);
  send(core, { type: "voteResponse", from: id, to: id, term, reject: false, ...news });
}

function requestVotes(core: RaftCore, request: Pick<VoteRequest, "type" | "force">): void {
  const { config: { id }, conf, log } = core;
  const term = request.type === "preVote" ? core.term + 1 : core.term;
  for (const to of new Set([...conf.voters, ...conf.votersOutgoing])) {
    if (to === id) continue;
    const { lastIndex, lastTerm } = log;
    send(core, { ...request, from: id, to, term, lastIndex, lastTerm, ...commitNews(core) });
  }
}

/** Counts an answer to the election under way; only the first of each voter matters. */
export function recordVote(core: RaftCore, from: NodeId, granted: boolean): void {
  invariant(
    core.role === "preCandidate" || core.role === "candidate",
    () => `Votes are counted in an election, not as a ${core.role}`,
  );
  if (!core.votes.has(from)) core.votes.set(from, granted);
  switch (voteResult(core.conf, (id) => core.votes.get(id))) {
    case "won":
      if (core.role === "preCandidate") campaignForReal(core, false);
      else becomeLeader(core);
      break;
    case "lost":
      becomeFollower(core, core.term, NONE);
      break;
    case "pending":
      break;
  }
}

/** The leader wants us to take over. One that is not (any more) our leader has no say in it. */
export function handleTimeoutNow(core: RaftCore, message: TimeoutNow): void {
  if (message.from !== core.leader || !isPromotable(core)) return;
  campaignForReal(core, true);
}

/**
 * Whether a request for a vote is none of our business because a leader is
 * alive: a node that cannot hear it must not depose it (thesis 4.2.3).
 */
export function isLeaderProtected(core: RaftCore, request: VoteRequest): boolean {
  if (request.force) return false;
  if (core.leader === NONE) return false;
  if (core.electionElapsed >= core.config.electionTicks) return false;
  return core.config.checkQuorum || request.type === "preVote";
}

/** Answers a request for a vote; learners answer too, as they may vote without knowing it yet. */
export function handleVoteRequest(core: RaftCore, request: VoteRequest): void {
  const { config: { id }, log } = core;
  const isCovered = log.isCovered({ index: request.lastIndex, term: request.lastTerm });
  const granted = mayVoteFor(core, request) && isCovered;
  if (!isCovered) standInFor(core, request.from);
  const answer = { from: id, to: request.from, reject: !granted, ...commitNews(core) };
  if (request.type === "preVote") {
    // A grant is for the term that was asked about, a refusal teaches ours.
    const term = granted ? request.term : core.term;
    send(core, { type: "preVoteResponse", term, ...answer });
    return;
  }
  invariant(request.term === core.term, () => `Vote of term ${request.term} is of ${core.term}`);
  if (granted) {
    core.vote = request.from;
    core.electionElapsed = 0;
  }
  send(core, { type: "voteResponse", term: core.term, ...answer });
}

function mayVoteFor(core: RaftCore, request: VoteRequest): boolean {
  if (request.type === "preVote" && request.term > core.term) return true;
  if (core.vote === request.from) return request.type === "vote" || core.leader === NONE;
  return core.vote === NONE && core.leader === NONE;
}

/**
 * Takes over the commit index that the other side of an election tells, provided
 * that the entry is in this log too. A leader ignores it: it knows better.
 */
export function learnCommit(core: RaftCore, message: VoteRequest | VoteResponse): void {
  const { commit, commitTerm } = message;
  if (core.role !== "leader" && core.log.term(commit) === commitTerm) core.log.commitTo(commit);
}
