/**
 * A client of the sharded, replicated key-value store.
 *
 * ```ts
 * import { connect } from "@eraft/eraft";
 *
 * async function greet(controllers: string): Promise<Uint8Array | undefined> {
 *   await using clerk = connect({ controllers }); // "localhost:50051,localhost:50052"
 *   await clerk.put("greeting", "hello");
 *   for await (const { key, value } of clerk.scan({ prefix: "greet" })) {
 *     await clerk.append(key, value);
 *   }
 *   return await clerk.get("greeting"); // the bytes of "hellohello"
 * }
 * ```
 *
 * `examples/quickstart.ts` runs against a cluster on this machine.
 *
 * {@linkcode KvClerk} reads and writes keys, {@linkcode CtrlerClerk} changes
 * which group serves what. Both work over any {@linkcode Dialer};
 * {@linkcode connect} takes the one for gRPC.
 *
 * @module
 */
import { KvClerk } from "./client/kv_clerk.ts";
import { parseAddressList } from "./rpc/address.ts";
import { GrpcDialer } from "./rpc/grpc/grpc_dialer.ts";

export interface ConnectOptions {
  /** Addresses of the controllers, as a list or as text with commas between; one that answers is enough. */
  readonly controllers: string | readonly string[];
  /** Time of a call in milliseconds. @default {30000} */
  readonly timeoutMs?: number | undefined;
}

/**
 * A clerk over gRPC. Connections are made when they are first needed, and end
 * with the clerk's `close()`.
 *
 * @throws {SyntaxError} When an address makes no sense, is listed twice, or there is none
 * @throws {RangeError} When a port or the time is out of range
 */
export function connect(options: ConnectOptions): KvClerk {
  const { controllers, timeoutMs } = options;
  return new KvClerk({
    controllers: parseAddressList(
      typeof controllers === "string" ? controllers : controllers.join(","),
    ),
    dialer: new GrpcDialer(),
    ownsDialer: true,
    timeoutMs,
  });
}

export { KvClerk } from "./client/kv_clerk.ts";
export type {
  CallOptions,
  CasOptions,
  CasResult,
  Data,
  KvClerkOptions,
  NodeStatus,
  ScanEntry,
  ScanOptions,
  ShardStatus,
} from "./client/kv_clerk.ts";
export type { ConfigSource } from "./client/calls/routing.ts";
export { CtrlerClerk } from "./client/ctrler_clerk.ts";
export type {
  ControllerStatus,
  CtrlerCallOptions,
  CtrlerClerkOptions,
  WatchOptions,
} from "./client/ctrler_clerk.ts";
export type { NodeRole, ServerState } from "./client/status/server_state.ts";
export { DeadlineError } from "./client/calls/deadline_error.ts";
export { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "./client/limits.ts";
export { type ErrorCode, KvError } from "./rpc/errors.ts";
export { GrpcDialer } from "./rpc/grpc/grpc_dialer.ts";
export type { Channel, Dialer } from "./rpc/service.ts";
export { type Clock, systemClock } from "./runtime/clock.ts";
export { createPrng, type Prng, randomSeed } from "./runtime/prng.ts";
export type { Config, Gid, ShardId } from "./shardctrler/configuration/config.ts";
