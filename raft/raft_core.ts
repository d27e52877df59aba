/**
 * The state of one node and the only four ways to change its role. Behaviour
 * lives in the step files; all of it is synchronous and depends on nothing but
 * the state, the input and the injected generator.
 */
import { invariant } from "../runtime/invariant.ts";
import type { Prng } from "../runtime/prng.ts";
import type { RaftConfig } from "./config.ts";
import type { RaftLog } from "./log/raft_log.ts";
import { members } from "./membership/membership.ts";
import type { Message } from "./message.ts";
import { Lease } from "./reads/lease.ts";
import { ForwardedReads, LeaderReads } from "./reads/read_index.ts";
import type { ReadState } from "./ready.ts";
import { Progress } from "./replication/progress.ts";
import { Vanguard } from "./replication/vanguard.ts";
import {
  type ConfState,
  type EntryKind,
  type HardState,
  type LogIndex,
  type NodeId,
  NONE,
  type Role,
  type SnapshotMeta,
  type Term,
} from "./types.ts";

export interface RaftCore {
  readonly config: RaftConfig;
  readonly prng: Prng;
  readonly log: RaftLog;
  conf: ConfState;

  role: Role;
  /** Never falls. */
  term: Term;
  /** Changes only with the term, or from NONE. */
  vote: NodeId;
  /** The leader of `term`, or NONE. Changed by `setLeader` alone. */
  leader: NodeId;
  /** The term that is on disk. Invariant: durableTerm <= term. */
  durableTerm: Term;

  /** Ticks since the leader was heard, since the election began, or since a leader checked its quorum. */
  electionElapsed: number;
  heartbeatElapsed: number;
  /** Drawn anew with each change of role, so that ties do not repeat (section 5.2). */
  electionTimeout: number;
  /** The leader was reported to be gone and has not been heard since (leader_gone.ts). */
  leaderGone: boolean;
  /** Answers in the election under way; our own included once it counts. */
  readonly votes: Map<NodeId, boolean>;

  /** One per member; meaningful on a leader only. */
  progress: Map<NodeId, Progress>;
  /** Leader: the node that leadership is being handed to, or NONE. */
  transferee: NodeId;
  /** Leader: ticks since the hand-over began. */
  transferElapsed: number;
  /** Leader: payload bytes after the commit index. Invariant: 0 unless leader. */
  uncommittedBytes: number;
  /** Leader: no change of members may be proposed before this entry is applied. */
  pendingConfIndex: LogIndex;
  readonly leaderReads: LeaderReads;
  readonly lease: Lease;
  /** Leader: who is sent entries at once, if it is thrifty. */
  vanguard: Vanguard;
  /** The driver's monotonic clock when it last told; only leases look at it. */
  nowMs: number;
  /**
   * Ticks during which this node answers no request for a vote and stands in for no
   * candidate (leader_gone.ts), whatever its role, term and leader become. Leases
   * rest on this promise. A node makes it with every answer to a heartbeat, and
   * once at its start, since it may have forgotten an earlier one.
   */
  embargoTicks: number;
  readonly forwardedReads: ForwardedReads;

  /** Collected for the next Ready. */
  messages: Message[];
  messagesAfterPersist: Message[];
  readStates: ReadState[];
  droppedReads: number[];
  restoredSnapshot: SnapshotMeta | undefined;
}

export interface RaftCoreOptions {
  readonly config: RaftConfig;
  readonly prng: Prng;
  readonly hardState: HardState;
  readonly conf: ConfState;
  readonly log: RaftLog;
}

/** A node as it comes out of its store: a follower that knows no leader (section 5.2). */
export function createCore(options: RaftCoreOptions): RaftCore {
  const { config, prng, hardState, conf, log } = options;
  const core: RaftCore = {
    config,
    prng,
    log,
    conf,
    role: "follower",
    term: hardState.term,
    vote: hardState.vote,
    leader: NONE,
    durableTerm: hardState.term,
    electionElapsed: 0,
    heartbeatElapsed: 0,
    electionTimeout: 0,
    leaderGone: false,
    votes: new Map(),
    progress: new Map(),
    transferee: NONE,
    transferElapsed: 0,
    uncommittedBytes: 0,
    pendingConfIndex: 0,
    leaderReads: new LeaderReads(),
    lease: new Lease(),
    vanguard: new Vanguard(),
    nowMs: 0,
    embargoTicks: config.leaseMs > 0 ? config.electionTicks : 0,
    forwardedReads: new ForwardedReads(1 + prng.below(2 ** 32) * 2 ** 16),
    messages: [],
    messagesAfterPersist: [],
    readStates: [],
    droppedReads: [],
    restoredSnapshot: undefined,
  };
  invariant(core.term >= log.lastTerm, () => `Term ${core.term} covers entry of ${log.lastTerm}`);
  resetForRole(core);
  return core;
}

/**
 * Queues a message: for sending now, or for sending once the present state is on
 * disk. The latter goes for messages that promise something: votes,
 * acknowledgements, and requests for votes. (A candidate that crashed and forgot
 * its campaign could otherwise win the same term a second time, with a shorter log,
 * by answers to its first requests.) It also goes for every message with a term
 * that is not on disk yet.
 */
export function send(core: RaftCore, message: Message): void {
  invariant(message.from === core.config.id, () => `Sender ${message.from} is this node`);
  const promises = message.type === "vote" || message.type === "voteResponse" ||
    message.type === "appendResponse";
  if (promises || core.durableTerm !== core.term) {
    core.messagesAfterPersist.push(message);
    return;
  }
  invariant(message.to !== core.config.id, () => `A ${message.type} goes to somebody else`);
  core.messages.push(message);
}

/** What this node knows to be committed, for messages of an election. */
export function commitNews({ log }: RaftCore): { commit: LogIndex; commitTerm: Term } {
  const commitTerm = log.term(log.commit);
  invariant(commitTerm !== undefined, () => `Term of commit index ${log.commit} is known`);
  return { commit: log.commit, commitTerm };
}

/** Notes who leads; reads that were passed on to another leader are given up. */
export function setLeader(core: RaftCore, leader: NodeId): void {
  if (core.leader === leader) return;
  core.leader = leader;
  core.leaderGone = false;
  dropReads(core, core.forwardedReads.clear());
}

/** Notes reads that will never be answered, so that whoever waits for them learns of it. */
export function dropReads(core: RaftCore, contexts: readonly number[]): void {
  for (const context of contexts) core.droppedReads.push(context);
}

export function becomeFollower(core: RaftCore, term: Term, leader: NodeId): void {
  invariant(term >= core.term, () => `Term ${term} is not below the current ${core.term}`);
  const requests = core.leaderReads.clear();
  if (term > core.term) {
    core.term = term;
    core.vote = NONE;
    dropReads(core, core.forwardedReads.clear());
  }
  core.role = "follower";
  setLeader(core, leader);
  resetForRole(core);
  for (const { from, context } of requests) {
    if (from === core.config.id) core.droppedReads.push(context);
    else refuseRead(core, from, context);
  }
}

/** Tells the asker that this node may not answer its read. */
export function refuseRead(core: RaftCore, to: NodeId, context: number): void {
  const { config: { id: from }, term } = core;
  send(core, { type: "readIndexResponse", from, to, term, context, index: 0, reject: true });
}

/** Asks for votes that bind nobody; term and vote stay as they are (thesis 9.6). */
export function becomePreCandidate(core: RaftCore): void {
  invariant(core.role !== "leader", "A leader has no reason to ask for votes");
  core.role = "preCandidate";
  setLeader(core, NONE);
  resetForRole(core);
}

export function becomeCandidate(core: RaftCore): void {
  invariant(core.role !== "leader", "A leader steps down before it campaigns");
  core.role = "candidate";
  core.term++;
  core.vote = core.config.id;
  setLeader(core, NONE);
  resetForRole(core);
}

export function becomeLeader(core: RaftCore): void {
  invariant(core.role === "candidate", () => `Only a candidate wins, not a ${core.role}`);
  invariant(core.durableTerm === core.term, "A leader's own vote is on disk");
  const { log } = core;
  invariant(log.persisted === log.lastIndex, "What was in the log before the vote is on disk too");
  core.role = "leader";
  setLeader(core, core.config.id);
  resetForRole(core);
  resetProgress(core);
  core.uncommittedBytes = log.bytesBetween(log.commit + 1, log.lastIndex);
  // A change of members may be among what is not applied yet: assume that one is.
  core.pendingConfIndex = log.lastIndex;
  // Entries of earlier terms become committed only behind one of this term
  // (section 5.4.2), and reads wait for it (section 8).
  core.vanguard.race(appendOwn(core, new Uint8Array(0)));
}

/** Appends an entry of this leader's term and returns its index. */
export function appendOwn(
  core: RaftCore,
  data: Uint8Array,
  kind: EntryKind = "normal",
): LogIndex {
  invariant(core.role === "leader", () => `Only a leader appends, not a ${core.role}`);
  const index = core.log.lastIndex + 1;
  core.log.append({ index, term: core.term, kind, data });
  core.uncommittedBytes += data.length;
  return index;
}

function resetForRole(core: RaftCore): void {
  core.electionElapsed = 0;
  core.heartbeatElapsed = 0;
  core.electionTimeout = core.config.electionTicks + core.prng.below(core.config.electionTicks);
  core.votes.clear();
  core.transferee = NONE;
  core.transferElapsed = 0;
  core.uncommittedBytes = 0;
  core.pendingConfIndex = 0;
  core.lease.reset();
  core.vanguard = new Vanguard();
  core.progress.clear();
}

/** What a leader assumes of a member it knows nothing about yet. */
export function newProgress({ config, log }: RaftCore): Progress {
  const window = { messagesMax: config.inflightMessagesMax, bytesMax: config.inflightBytesMax };
  return new Progress(log.lastIndex + 1, window);
}

function resetProgress(core: RaftCore): void {
  const { config, log } = core;
  for (const id of members(core.conf)) core.progress.set(id, newProgress(core));
  const own = core.progress.get(config.id);
  own?.acknowledge(log.persisted);
  own?.becomeReplicate();
}
