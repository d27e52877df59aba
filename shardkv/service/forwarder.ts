/** Passes a request of a client that knows nothing of shards on to who can answer it, once. */
import {
  type CommandRequest,
  type CommandResponse,
  ShardKVServiceService,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import { NO_FORWARD_METADATA } from "../../server/no_forward.ts";
import { FORWARD_TIMEOUT_MS } from "../limits.ts";

/**
 * Asks the servers in turn until one of them leads.
 *
 * @param mayRepeat Asking a second server after a first may have executed the request does no harm
 * @returns The answer; ErrWrongLeader if no server leads, ErrTimeout if one may have executed it
 * @throws {KvError} If a server refused the request itself
 */
export async function forwardCommand(
  dialer: Dialer,
  servers: readonly string[],
  request: CommandRequest,
  { mayRepeat, signal }: { readonly mayRepeat: boolean; readonly signal: AbortSignal },
): Promise<CommandResponse> {
  const options = { timeoutMs: FORWARD_TIMEOUT_MS, signal, metadata: NO_FORWARD_METADATA };
  for (const server of servers) {
    try {
      const channel = dialer.channel(server);
      const response = await channel.unary(ShardKVServiceService.command, request, options);
      if (response.err !== "ErrWrongLeader") return response;
    } catch (error) {
      const { code, maybe } = KvError.from(error);
      if (code === "INVALID_ARGUMENT" || signal.aborted) throw error;
      if (maybe && !mayRepeat) return { err: "ErrTimeout", value: Buffer.alloc(0) };
    }
  }
  return { err: "ErrWrongLeader", value: Buffer.alloc(0) };
}
