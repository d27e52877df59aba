/** What a controller says of itself, and what stands for one that says nothing. */
import type { GetStatusResponse } from "../proto/gen/shardctrler.ts";
import type { KvError } from "../rpc/errors.ts";

export type NodeRole = "Leader" | "Follower" | "Candidate" | "Offline";

/** One controller. Of an offline one only `id`, `address` and `error` say anything. */
export interface ControllerStatus {
  /** Position in the cluster, from 0. */
  readonly id: number;
  /** The address it was asked at. */
  readonly address: string;
  readonly role: NodeRole;
  readonly term: number;
  readonly applied: number;
  readonly commit: number;
  readonly storageBytes: number;
  /** Undefined if the controller knows of no leader. */
  readonly leaderAddress: string | undefined;
  /** Number of the latest configuration it has applied. */
  readonly configNum: number;
  readonly logFirstIndex: number;
  readonly logLastIndex: number;
  readonly version: string;
  /** Why the controller counts as offline. */
  readonly error: KvError | undefined;
}

export function onlineStatus(address: string, response: GetStatusResponse): ControllerStatus {
  return {
    id: response.id,
    address,
    role: roleOf(response.state),
    term: response.term,
    applied: response.lastApplied,
    commit: response.commitIndex,
    storageBytes: response.storageSize,
    leaderAddress: response.leaderAddress === "" ? undefined : response.leaderAddress,
    configNum: response.configNum,
    logFirstIndex: response.logFirstIndex,
    logLastIndex: response.logLastIndex,
    version: response.version,
    error: undefined,
  };
}

/** @param position Place among the addresses that were asked; stands in for the id */
export function offlineStatus(address: string, position: number, error: KvError): ControllerStatus {
  return {
    id: position,
    address,
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

function roleOf(state: string): NodeRole {
  return state === "Leader" || state === "Candidate" ? state : "Follower";
}
