/** A node at a glance, for status pages, logs and tests. */
import type { RaftCore } from "./raft_core.ts";
import type { Progress, ProgressState } from "./replication/progress.ts";
import type { LogIndex, NodeId, Role, Term } from "./types.ts";

/** What a leader knows of a member. */
export interface ProgressStatus {
  readonly match: LogIndex;
  readonly next: LogIndex;
  readonly state: ProgressState;
  /** The snapshot the member was told to fetch, 0 if none. */
  readonly pendingSnapshot: LogIndex;
  /** Heard from since the leader last checked its quorum. */
  readonly recentActive: boolean;
  /** Heard from within one to two election timeouts. */
  readonly active: boolean;
  /** No entries leave for it before it answers. */
  readonly paused: boolean;
  readonly inflightMessages: number;
  readonly inflightBytes: number;
}

export interface RawNodeStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  /** NONE if unknown. */
  readonly leader: NodeId;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly persistedIndex: LogIndex;
  /** Every member on a leader, itself included; empty otherwise. */
  readonly progress: ReadonlyMap<NodeId, ProgressStatus>;
}

export function statusOf(core: RaftCore): RawNodeStatus {
  const { log } = core;
  return {
    id: core.config.id,
    role: core.role,
    term: core.term,
    leader: core.leader,
    commit: log.commit,
    applied: log.applied,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    persistedIndex: log.persisted,
    progress: progressOf(core),
  };
}

function progressOf(core: RaftCore): ReadonlyMap<NodeId, ProgressStatus> {
  const all = new Map<NodeId, ProgressStatus>();
  for (const [id, progress] of core.progress) {
    all.set(id, {
      match: progress.match,
      next: progress.next,
      state: progress.state,
      pendingSnapshot: progress.pendingSnapshot,
      recentActive: progress.recentActive,
      active: progress.active,
      paused: isPaused(progress),
      inflightMessages: progress.inflights.count,
      inflightBytes: progress.inflights.bytes,
    });
  }
  return all;
}

function isPaused(progress: Progress): boolean {
  switch (progress.state) {
    case "probe":
      return progress.probeSent;
    case "replicate":
      return progress.inflights.full;
    case "snapshot":
      return true;
  }
}
