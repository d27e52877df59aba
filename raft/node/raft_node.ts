// Placeholder signature while the driver is written.
import type { Prng } from "../../runtime/prng.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Engine } from "../../storage/engine.ts";
import type { RaftConfig } from "../config.ts";
import type { LogIndex, NodeId, Role, Term } from "../types.ts";
import type { MachineReader, StateMachine } from "./state_machine.ts";
import type { Dialer, ServiceRoutes } from "../../rpc/service.ts";

/** Which node of which group of which cluster this is; remembered in the engine. */
export interface NodeIdentity {
  /** Decimal digits of an unsigned 64-bit number; equal on all members of the group. */
  readonly clusterId: string;
  /** 0 for the controllers. */
  readonly gid: number;
  readonly nodeId: NodeId;
}

export interface RaftNodeOptions {
  readonly identity: NodeIdentity;
  /** Address of every member, this node included. */
  readonly members: ReadonlyMap<NodeId, string>;
  readonly engine: Engine;
  readonly machine: StateMachine;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  /** Milliseconds of one tick. @default {100} */
  readonly tickMs?: number;
  readonly raft?: Partial<Omit<RaftConfig, "id">>;
  /** Log entries kept behind the applied index. @default {10000} */
  readonly retainedEntriesMax?: number;
  /** Bytes of log kept behind the applied index. @default {64 MiB} */
  readonly retainedBytesMax?: number;
  /** Called once when the node cannot go on (storage error, broken invariant). The process should exit non-zero. */
  readonly onFatal: (error: unknown) => void;
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

export declare class RaftNode {
  /** Loads the node from its engine (or begins a new one) and starts ticking. */
  static open(options: RaftNodeOptions): Promise<RaftNode>;
  /** What peers call; to be served beside the group's own services. */
  readonly routes: ServiceRoutes;
  /** Reads of the machine's keys as applied so far; not linearizable by itself. */
  readonly reader: MachineReader;
  /**
   * Replicates a payload and resolves with the machine's reply once it is
   * committed and applied here.
   * @throws {KvError} NOT_LEADER (with the leader's address), OVERLOADED, LEADERSHIP_LOST
   */
  propose(payload: Uint8Array): Promise<unknown>;
  /**
   * Resolves once everything committed before the call is applied here: what
   * `reader` returns then is linearizable (ReadIndex, thesis 6.4).
   * @throws {KvError} NOT_LEADER (with the leader's address), OVERLOADED
   */
  readBarrier(): Promise<void>;
  status(): RaftNodeStatus;
  /** Calls back on every change of role, leader or term. Returns a function that ends it. */
  onRoleChange(listener: (status: RaftNodeStatus) => void): () => void;
  /** Stops ticking, fails what is waiting, closes peers; the engine stays open. */
  stop(): Promise<void>;
}
