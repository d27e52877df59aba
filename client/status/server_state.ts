/**
 * The part of the status that controllers and replicas share, and what stands for a
 * server that does not answer.
 */
import type { KvError } from "../../rpc/errors.ts";

export type NodeRole = "Leader" | "Follower" | "Candidate" | "Offline";

/** State of a server. Of an offline one only `error` says anything. */
export interface ServerState {
  readonly role: NodeRole;
  readonly term: number;
  readonly applied: number;
  readonly commit: number;
  readonly storageBytes: number;
  /** Undefined if the server knows of no leader. */
  readonly leaderAddress: string | undefined;
  /** Number of the latest configuration it has applied. */
  readonly configNum: number;
  readonly logFirstIndex: number;
  readonly logLastIndex: number;
  readonly version: string;
  /** Why the server counts as offline. */
  readonly error: KvError | undefined;
}

/** The part of an answer that both services share. */
interface StatusAnswer {
  readonly state: string;
  readonly term: number;
  readonly lastApplied: number;
  readonly commitIndex: number;
  readonly storageSize: number;
  readonly leaderAddress: string;
  readonly configNum: number;
  readonly logFirstIndex: number;
  readonly logLastIndex: number;
  readonly version: string;
}

export function onlineState(answer: StatusAnswer): ServerState {
  const { state, leaderAddress } = answer;
  return {
    role: state === "Leader" || state === "Candidate" ? state : "Follower",
    term: answer.term,
    applied: answer.lastApplied,
    commit: answer.commitIndex,
    storageBytes: answer.storageSize,
    leaderAddress: leaderAddress === "" ? undefined : leaderAddress,
    configNum: answer.configNum,
    logFirstIndex: answer.logFirstIndex,
    logLastIndex: answer.logLastIndex,
    version: answer.version,
    error: undefined,
  };
}

export function offlineState(error: KvError): ServerState {
  return {
    role: "Offline",
    term: 0,
    applied: 0,
    commit: 0,
    storageBytes: 0,
    leaderAddress: undefined,
    configNum: 0,
    logFirstIndex: 0,
    logLastIndex: 0,
    version: "",
    error,
  };
}
