/** What a controller tells about itself, and what stands for one that does not answer. */
import type { GetStatusResponse } from "../../proto/gen/shardctrler.ts";
import type { KvError } from "../../rpc/errors.ts";
import { offlineState, onlineState, type ServerState } from "./server_state.ts";

/** One controller. Of an offline one only `id`, `address` and `error` say anything. */
export interface ControllerStatus extends ServerState {
  /** Position in the cluster, from 0. */
  readonly id: number;
  /** The address it was asked at. */
  readonly address: string;
}

export function onlineStatus(address: string, response: GetStatusResponse): ControllerStatus {
  return { id: response.id, address, ...onlineState(response) };
}

/** @param position Place among the addresses that were asked; stands in for the id */
export function offlineStatus(address: string, position: number, error: KvError): ControllerStatus {
  return { id: position, address, ...offlineState(error) };
}
