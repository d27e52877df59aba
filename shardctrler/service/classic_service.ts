/** eRaft's service, answered so that its clients and tools work unchanged. */
import {
  type CommandRequest,
  type CommandResponse,
  type GetStatusResponse,
  Op,
  ShardCtrlerServiceService,
} from "../../proto/gen/shardctrler.ts";
import { KvError } from "../../rpc/errors.ts";
import { type CallContext, type Dialer, type ServiceRoutes, unary } from "../../rpc/service.ts";
import { mayForward, NO_FORWARD_METADATA } from "../../server/no_forward.ts";
import { ONE_READ, type RequestMetrics } from "../../server/request_metrics.ts";
import { decodeCommand, encodeChange } from "../configuration/change_codec.ts";
import { encodeConfig } from "../configuration/config_codec.ts";
import type { ConfigFeed } from "./config_feed.ts";
import type { ControllerLog } from "./controller_log.ts";
import type { ControllerService } from "./controller_service.ts";
import { queryConfig } from "./query.ts";

/** Milliseconds a forwarded command may take; eRaft's own clients give up much sooner. */
const FORWARD_TIMEOUT_MS = 5_000;

export interface ClassicServiceOptions {
  readonly log: ControllerLog;
  readonly feed: ConfigFeed;
  readonly controller: ControllerService;
  readonly requests: RequestMetrics;
  readonly dialer: Dialer;
  /** Pass commands on to the leader instead of answering ErrWrongLeader. */
  readonly forward: boolean;
  readonly status: () => GetStatusResponse;
}

export class ClassicService {
  readonly #options: ClassicServiceOptions;

  constructor(options: ClassicServiceOptions) {
    this.#options = options;
  }

  get routes(): ServiceRoutes {
    return [
      unary(ShardCtrlerServiceService.command, (request, call) => this.#command(request, call)),
      unary(ShardCtrlerServiceService.getStatus, () => Promise.resolve(this.#options.status())),
    ];
  }

  async #command(request: CommandRequest, call: CallContext): Promise<CommandResponse> {
    try {
      return await this.#execute(request);
    } catch (thrown) {
      const error = KvError.from(thrown);
      const isForwarded = this.#options.forward && mayForward(call);
      if (error.code === "NOT_LEADER" && error.leader !== undefined && isForwarded) {
        return await this.#forward(error.leader, request, call.signal);
      }
      return failure(error);
    }
  }

  async #execute(request: CommandRequest): Promise<CommandResponse> {
    const { log, feed, controller, requests } = this.#options;
    if (request.op === Op.QUERY) {
      const query = () => queryConfig(log, feed, request.num);
      const { config } = await requests.watch(query, 1, () => ONE_READ);
      return { err: "OK", config: encodeConfig(config) };
    }
    const change = decodeCommand(request);
    if (change === undefined) {
      throw new KvError("INVALID_ARGUMENT", `Cannot do operation ${request.op}: it is unknown`);
    }
    const { config } = await controller.change({
      clientId: unsigned(request.clientId),
      sequence: sequenceOf(request.commandId),
      change: encodeChange(change),
    });
    return { err: "OK", config };
  }

  async #forward(
    leader: string,
    request: CommandRequest,
    signal: AbortSignal,
  ): Promise<CommandResponse> {
    try {
      return await this.#options.dialer.channel(leader).unary(
        ShardCtrlerServiceService.command,
        request,
        { timeoutMs: FORWARD_TIMEOUT_MS, signal, metadata: NO_FORWARD_METADATA },
      );
    } catch (error) {
      return failure(KvError.from(error));
    }
  }
}

/**
 * eRaft's word for an error. Its client tries again on ErrWrongLeader and
 * ErrTimeout and takes every other word for success, so only these two may
 * stand for what can pass.
 *
 * @throws {KvError} INTERNAL and UNIMPLEMENTED, for which there is no word
 */
function failure(error: KvError): CommandResponse {
  return { err: classicError(error), config: undefined };
}

function classicError(error: KvError): string {
  switch (error.code) {
    case "NOT_LEADER":
    case "WRONG_GROUP":
      return "ErrWrongLeader";
    case "LEADERSHIP_LOST":
    case "NOT_READY":
    case "OVERLOADED":
    case "UNAVAILABLE":
    case "DEADLINE_EXCEEDED":
    case "CANCELLED":
      return "ErrTimeout";
    case "SESSION_EXPIRED":
      return "ErrOutDated";
    case "INVALID_ARGUMENT":
    case "NOT_FOUND":
    case "ALREADY_EXISTS":
    case "REFUSED":
      return `ErrInvalid: ${error.message}`;
    case "UNIMPLEMENTED":
    case "INTERNAL":
      throw error;
  }
}

/** eRaft's ids are signed on the wire, sessions know unsigned ones. */
function unsigned(clientId: string): string {
  return BigInt.asUintN(64, BigInt(clientId)).toString();
}

function sequenceOf(commandId: number): number {
  if (commandId >= 0) return commandId;
  throw new KvError(
    "INVALID_ARGUMENT",
    `Cannot use command id ${commandId}: it must be 0 or more`,
  );
}
