/** Settings of one node's core; time is counted in ticks. */
import type { NodeId } from "./types.ts";

export interface RaftConfig {
  /** This node, 1 or higher. */
  readonly id: NodeId;
  /**
   * Ticks without word from a leader after which a follower campaigns. The
   * actual timeout is drawn anew from [electionTicks, 2 * electionTicks).
   * @default {10}
   */
  readonly electionTicks: number;
  /** Ticks between two heartbeats; well below `electionTicks`. @default {1} */
  readonly heartbeatTicks: number;
  /** Payload bytes of one append message; a single larger entry still travels. @default {1 MiB} */
  readonly appendBytesMax: number;
  /** Append messages on their way to one follower. @default {256} */
  readonly inflightMessagesMax: number;
  /** Payload bytes on their way to one follower. @default {16 MiB} */
  readonly inflightBytesMax: number;
  /** Payload bytes a leader holds uncommitted; a proposal past them is refused. @default {64 MiB} */
  readonly uncommittedBytesMax: number;
  /** Payload bytes of committed entries handed out and not yet applied; one entry always passes. @default {8 MiB} */
  readonly applyBytesMax: number;
  /** Read requests that wait for a leader's first commit. @default {4096} */
  readonly pendingReadsMax: number;
  /** Ask before campaigning (thesis 9.6). @default {true} */
  readonly preVote: boolean;
  /** A leader that hears from no quorum for an election timeout steps down (thesis 6.2). @default {true} */
  readonly checkQuorum: boolean;
  /**
   * Send at once only what somebody waits for: entries to as many members as a
   * majority takes. The others, and news of commits, wait until the driver
   * calls `RawNode.sendHeld` (raft/replication/vanguard.ts). @default {false}
   */
  readonly thrifty: boolean;
  /**
   * Milliseconds after sending heartbeats for which their answers let a leader
   * serve reads without asking again (thesis 6.4.1); 0: it always asks. Must be
   * the same on all members, and so much shorter than `electionTicks` that the
   * difference of their clocks' speeds does not matter. Needs `checkQuorum`.
   * @default {0}
   */
  readonly leaseMs: number;
}

export const DEFAULT_RAFT_CONFIG: Omit<RaftConfig, "id"> = {
  electionTicks: 10,
  heartbeatTicks: 1,
  appendBytesMax: 1 << 20,
  inflightMessagesMax: 256,
  inflightBytesMax: 16 << 20,
  uncommittedBytesMax: 64 << 20,
  applyBytesMax: 8 << 20,
  pendingReadsMax: 4096,
  preVote: true,
  checkQuorum: true,
  thrifty: false,
  leaseMs: 0,
};

/**
 * Checks a configuration once, where it enters.
 *
 * @throws {RangeError} If a value is out of its range
 */
export function validateRaftConfig(config: RaftConfig): void {
  type Switch = "preVote" | "checkQuorum" | "thrifty";
  const atLeast = (min: number, name: Exclude<keyof RaftConfig, Switch>) => {
    const value = config[name];
    if (!Number.isSafeInteger(value) || value < min) {
      throw new RangeError(
        `Cannot use '${name}' ${value}: it must be an integer of ${min} or more`,
      );
    }
  };
  const atLeastOne = (name: Parameters<typeof atLeast>[1]) => atLeast(1, name);
  atLeastOne("id");
  atLeastOne("electionTicks");
  atLeastOne("heartbeatTicks");
  atLeastOne("appendBytesMax");
  atLeastOne("inflightMessagesMax");
  atLeastOne("inflightBytesMax");
  atLeastOne("uncommittedBytesMax");
  atLeastOne("applyBytesMax");
  atLeastOne("pendingReadsMax");
  atLeast(0, "leaseMs");
  if (config.leaseMs > 0 && !config.checkQuorum) {
    throw new RangeError(
      `Cannot use 'leaseMs' ${config.leaseMs}: without 'checkQuorum' nobody keeps to a lease`,
    );
  }
  if (config.electionTicks <= config.heartbeatTicks) {
    throw new RangeError(
      `Cannot use 'electionTicks' ${config.electionTicks}: it must exceed ` +
        `'heartbeatTicks' ${config.heartbeatTicks}`,
    );
  }
}
