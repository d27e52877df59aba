/** What a member of a group is made of, and what it says of itself. */
import type { Dialer } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Prng } from "../../runtime/prng.ts";
import type { Engine } from "../../storage/engine.ts";
import { DEFAULT_RAFT_CONFIG, type RaftConfig } from "../config.ts";
import type { LogIndex, NodeId, Role, Term } from "../types.ts";
import type { StateMachine } from "./apply/state_machine.ts";
import type { RetentionLimits } from "./log/log_retention.ts";
import type { NodeIdentity } from "./members/identity.ts";
import type { JoinOptions } from "./members/join.ts";
import type { RaftObserver } from "./observer.ts";

/** Log entries kept behind the applied index unless told otherwise. */
export const RETAINED_ENTRIES_DEFAULT = 10_000;
/** Bytes of log kept behind the applied index unless told otherwise; they are in memory too. */
export const RETAINED_BYTES_DEFAULT = 32 << 20;

/** Milliseconds of a tick unless told otherwise. */
export const TICK_MS_DEFAULT = 100;
/** Of the time for which followers protect their leader, the part that it relies on. */
const LEASE_SHARE = 0.9;

export interface RaftNodeOptions<Reply = unknown> {
  readonly identity: NodeIdentity;
  /** Address of every first member, this node included. */
  readonly members: ReadonlyMap<NodeId, string>;
  /** For a node that was added to a group that exists. */
  readonly join?: JoinOptions | undefined;
  readonly engine: Engine;
  readonly machine: StateMachine<Reply>;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  /** Milliseconds of one tick. @default {100} */
  readonly tickMs?: number;
  readonly raft?: Partial<Omit<RaftConfig, "id" | "leaseMs">>;
  /**
   * Let a leader answer reads for most of an election timeout after a quorum
   * has heard from it, without asking again. Relies on clocks that differ by
   * less than a tenth in speed; must be the same on all members.
   * @default {false}
   */
  readonly leaseReads?: boolean | undefined;
  /**
   * Log entries kept behind the applied index; four times as many while a
   * member is brought up to date by a snapshot.
   *
   * @default {RETAINED_ENTRIES_DEFAULT}
   */
  readonly retainedEntriesMax?: number;
  /**
   * Bytes of log kept behind the applied index; four times as many while a
   * member is brought up to date by a snapshot.
   *
   * @default {RETAINED_BYTES_DEFAULT}
   */
  readonly retainedBytesMax?: number;
  /** Called once when the node cannot go on (storage error, broken invariant). The process should exit non-zero. */
  readonly onFatal: (error: unknown) => void;
  /** Watches what the node does, for tests. */
  readonly observer?: RaftObserver | undefined;
}

export interface RaftNodeStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  readonly leader: NodeId;
  /** Address of the leader; undefined if unknown. */
  readonly leaderAddress: string | undefined;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
}

/** The core's settings that follow from the options. */
export function raftConfig(
  options: Pick<RaftNodeOptions, "identity" | "raft" | "leaseReads" | "tickMs">,
): RaftConfig {
  const { identity, raft, leaseReads = false, tickMs = TICK_MS_DEFAULT } = options;
  const config = { ...DEFAULT_RAFT_CONFIG, thrifty: true, ...raft, id: identity.nodeId };
  if (!leaseReads) return config;
  // A follower's protection may be short of a tick, and its clock faster than ours.
  const leaseMs = Math.floor((config.electionTicks - 1) * tickMs * LEASE_SHARE);
  return { ...config, leaseMs };
}

/** The bounds on the log that follow from the options. */
export function retentionLimits(options: RaftNodeOptions): RetentionLimits {
  const {
    retainedEntriesMax: entriesMax = RETAINED_ENTRIES_DEFAULT,
    retainedBytesMax: bytesMax = RETAINED_BYTES_DEFAULT,
  } = options;
  return { entriesMax, bytesMax };
}
