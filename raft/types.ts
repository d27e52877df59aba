/**
 * The words of the core. Terms, indexes and node ids are plain integers up to
 * 2^53 - 1: at a million entries a second an index lasts 285 years.
 */

/** A member of the group, 1 or higher; {@linkcode NONE} means nobody. */
export type NodeId = number;
export type Term = number;
/** Position in the log; the first entry has index 1, 0 means "before the log". */
export type LogIndex = number;

/** No node: nobody voted for, no known leader. */
export const NONE: NodeId = 0;

export type EntryKind = "normal" | "confChange";

/** One slot of the replicated log. The core never looks into `data`. */
export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What must survive a restart beside the log (Raft paper, figure 2). */
export interface HardState {
  readonly term: Term;
  /** The candidate that got this node's vote in `term`, or NONE. */
  readonly vote: NodeId;
  /** A commit index known once; may lag behind, never ahead. */
  readonly commit: LogIndex;
}

/** Who votes and who only listens. The outgoing half is empty unless a joint configuration is in force. */
export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

/** What a snapshot stands for: every entry up to `index`. */
export interface SnapshotMeta {
  readonly index: LogIndex;
  readonly term: Term;
  readonly confState: ConfState;
  /** Names the sender's open view, for the driver; the core passes it through. */
  readonly id: number;
}

export type Role = "follower" | "preCandidate" | "candidate" | "leader";
