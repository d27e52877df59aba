/** What nodes of a group say to each other; plain values, never shared between nodes. */
import type { Entry, LogIndex, NodeId, SnapshotMeta, Term } from "./types.ts";

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; for a pre-vote the term it would campaign in. */
  readonly term: Term;
}

/**
 * What the sender knows to be committed; part of the messages of an election. A
 * change of members is in force only where it is known to be committed. So a node
 * that waits for votes of members which were removed long ago learns here that they
 * were, and nodes whose configurations are one change apart cannot block each
 * other.
 */
interface CommitNews extends Envelope {
  readonly commit: LogIndex;
  readonly commitTerm: Term;
}

/** Would you vote for me? (preVote: thesis 9.6, changes nothing at the receiver) */
export interface VoteRequest extends CommitNews {
  readonly type: "preVote" | "vote";
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** Leadership transfer: the receiver votes even though it hears from a leader. */
  readonly force: boolean;
}

export interface VoteResponse extends CommitNews {
  readonly type: "preVoteResponse" | "voteResponse";
  readonly reject: boolean;
}

/** Entries that follow `prevIndex`/`prevTerm`; none: a probe or a commit update. */
export interface AppendRequest extends Envelope {
  readonly type: "append";
  readonly prevIndex: LogIndex;
  readonly prevTerm: Term;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
}

/**
 * Accepted: `index` is the last index known to match the leader's log and be
 * durable here. Rejected: `index` is the `prevIndex` that did not match, and
 * the hint is where the leader should look next (the last index of this log at
 * which the term is at most `hintTerm`).
 */
export interface AppendResponse extends Envelope {
  readonly type: "appendResponse";
  readonly index: LogIndex;
  readonly reject: boolean;
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
}

/** I am your leader. A `context` other than 0 asks for an answer that confirms a read. */
export interface Heartbeat extends Envelope {
  readonly type: "heartbeat";
  readonly commit: LogIndex;
  readonly context: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly type: "heartbeatResponse";
  readonly context: number;
}

/** Your log ends before mine begins: take my state as of `snapshot`. */
export interface InstallSnapshot extends Envelope {
  readonly type: "snapshot";
  readonly snapshot: SnapshotMeta;
}

/** Campaign at once (leadership transfer, thesis 3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: "timeoutNow";
}

/** A follower asks the leader for a read index. */
export interface ReadIndexRequest extends Envelope {
  readonly type: "readIndex";
  readonly context: number;
}

export interface ReadIndexResponse extends Envelope {
  readonly type: "readIndexResponse";
  readonly context: number;
  readonly index: LogIndex;
  /** The receiver of the request is not a leader that may answer; ask again elsewhere. */
  readonly reject: boolean;
}

export type Message =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | InstallSnapshot
  | TimeoutNow
  | ReadIndexRequest
  | ReadIndexResponse;

export type MessageType = Message["type"];
