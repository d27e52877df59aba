/**
 * eRaft's own service, for its Go clients, its dashboard and generated stubs.
 * Differences: a request that another server can answer is passed on to it
 * (forwarder.ts), and GetShardsData carries no `last_operations`: replies are
 * remembered per command, which that field cannot express. Our own groups move
 * shards by ShardTransferService.
 */
import {
  type CommandRequest,
  type CommandResponse,
  Op,
  type Result,
  type ShardData,
  ShardKVServiceService,
  type ShardOperationRequest,
  type ShardOperationResponse,
  WriteBatch,
  WriteOp,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { type CallContext, type Dialer, type ServiceRoutes, unary } from "../../rpc/service.ts";
import { asBuffer } from "../../runtime/buffers.ts";
import { mayForward } from "../../server/no_forward.ts";
import { ONE_READ, ONE_WRITE, type RequestMetrics } from "../../server/request_metrics.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import { type GroupLog, proposeWrites } from "../group_log.ts";
import { CHUNK_BYTES_MAX, type GroupLimits, SHARDS_DATA_BYTES_MAX } from "../limits.ts";
import { encodeWrites } from "../machine/commands.ts";
import { isChangeCursor, USER_KIND } from "../machine/machine_keys.ts";
import type { ShardMachine } from "../machine/machine.ts";
import { placeOf, refusalOf, shardOfKey } from "../machine/ownership.ts";
import { dropShard, freezeShard, givenShard, readChunk } from "../migration/shard_source.ts";
import { type ClassicErr, classicErrOf, classicErrOfResult } from "./classic_errors.ts";
import { forwardCommand } from "./forwarder.ts";
import { readKeys } from "./kv_reads.ts";
import type { Caller, ReadBudget } from "./read_budget.ts";
import { checkKey, checkShardIds, checkValue } from "./request_check.ts";
import type { RequestGate } from "./request_gate.ts";
import { groupStatus, type StatusSources } from "./status.ts";

export interface ClassicServiceOptions extends StatusSources {
  readonly log: GroupLog;
  readonly machine: ShardMachine;
  readonly reads: ReadBudget;
  /** For passing on. */
  readonly dialer: Dialer;
  readonly limits: GroupLimits;
  readonly requests: RequestMetrics;
  readonly gid: Gid;
  /** For the requests of all services. */
  readonly gate: RequestGate;
  /** For the requests of groups that fetch shards. */
  readonly transfers: RequestGate;
  /** Pass requests on that other servers can answer. */
  readonly forward: boolean;
}

type ShardsData = { [shard: number]: ShardData };

const NO_BYTES = Buffer.alloc(0);

export class ClassicService {
  readonly #options: ClassicServiceOptions;

  constructor(options: ClassicServiceOptions) {
    this.#options = options;
  }

  get routes(): ServiceRoutes {
    return [
      unary(ShardKVServiceService.command, (request, context) => this.#command(request, context)),
      unary(
        ShardKVServiceService.getShardsData,
        (request, context) => this.#getShardsData(request, context),
      ),
      unary(
        ShardKVServiceService.deleteShardsData,
        (request, context) => this.#deleteShardsData(request, context),
      ),
      unary(
        ShardKVServiceService.getStatus,
        () => Promise.resolve(groupStatus(this.#options)),
      ),
    ];
  }

  async #command(request: CommandRequest, context: CallContext): Promise<CommandResponse> {
    try {
      return await this.#options.gate.run(() => this.#answer(request, context));
    } catch (error) {
      return answer(classicErrOf(error));
    }
  }

  async #answer(request: CommandRequest, context: CallContext): Promise<CommandResponse> {
    const { machine, limits, gid, requests } = this.#options;
    checkKey(request.key);
    checkValue(request.value, limits.valueBytesMax);
    const { ownership } = machine;
    const shard = shardOfKey(ownership, request.key);
    if (shard === undefined) return answer("ErrWrongGroup");
    const refusal = refusalOf(ownership.shards.get(shard));
    const place = refusal && placeOf(ownership, gid, shard);
    if (place !== undefined && this.#mayForward(context)) {
      const response = await this.#forward(place.servers, request, context);
      // Who had the shard has stopped to serve it: by now it may be served here.
      const isHere = refusal === "NOT_READY" && response.err === "ErrWrongGroup";
      if (!isHere) return response;
    } else if (refusal === "WRONG_GROUP") return answer("ErrWrongGroup");
    try {
      const answered = request.op === Op.GET ? ONE_READ : ONE_WRITE;
      const execute = () => this.#execute(request, context);
      return responseOf(await requests.watch(execute, 1, () => answered));
    } catch (error) {
      const { code, leader } = KvError.from(error);
      const passOn = code === "NOT_LEADER" && leader !== undefined && this.#mayForward(context);
      if (!passOn) throw error;
      return await this.#forward([leader], request, context);
    }
  }

  async #execute(request: CommandRequest, caller: Caller): Promise<Result | undefined> {
    const { log, limits } = this.#options;
    if (request.op === Op.GET) {
      const reading = { getKeys: [request.key], anyReplica: false };
      return (await readKeys(this.#options, reading, caller))[0];
    }
    const writes = encodeClassicWrite(request);
    const values = request.op === Op.APPEND ? 1 : 0;
    return (await proposeWrites(log, encodeWrites(writes, limits.valueBytesMax), values))[0];
  }

  #mayForward(context: CallContext): boolean {
    return this.#options.forward && mayForward(context);
  }

  #forward(
    servers: readonly string[],
    request: CommandRequest,
    { signal }: CallContext,
  ): Promise<CommandResponse> {
    const mayRepeat = request.op !== Op.APPEND || request.clientId !== "0";
    return forwardCommand(this.#options.dialer, servers, request, { mayRepeat, signal });
  }

  async #getShardsData(
    request: ShardOperationRequest,
    caller: Caller,
  ): Promise<ShardOperationResponse> {
    try {
      const shards = await this.#options.transfers.run(() => this.#readShards(request, caller));
      return this.#operationAnswer("OK", shards);
    } catch (error) {
      return this.#operationAnswer(classicErrOf(error), {});
    }
  }

  /** @throws {KvError} As `shardsFor` and `#readShard` */
  async #readShards(request: ShardOperationRequest, caller: Caller): Promise<ShardsData> {
    const { configNum } = request;
    const shards: ShardsData = {};
    let bytesLeft = SHARDS_DATA_BYTES_MAX;
    for (const shard of shardsFor(caller, request)) {
      const data = await this.#readShard(configNum, shard, bytesLeft);
      bytesLeft -= data.bytes;
      shards[shard] = { kv: data.kv };
    }
    return shards;
  }

  /**
   * The caller asks for changes only once: the shard must not change after it.
   *
   * @throws {KvError} NOT_READY if the shard does not fit into the bytes left; as `freezeShard`
   *   and `readChunk`
   */
  async #readShard(configNum: number, shard: number, bytesLeft: number) {
    const { ownership } = this.#options.machine;
    if (givenShard(ownership, configNum, shard).status !== "BePulling") {
      await freezeShard(this.#options, { configNum, shard });
    }
    const kv: ShardData["kv"] = [];
    let bytes = 0;
    let cursor: Buffer = NO_BYTES;
    while (!isChangeCursor(cursor)) {
      const request = { configNum, shard, cursor, bytesMax: CHUNK_BYTES_MAX };
      const chunk = await readChunk(this.#options, request);
      for (const { key, value } of chunk.records) {
        if (key[0] !== USER_KIND) continue;
        bytes += key.length + value.length;
        kv.push({ key: key.subarray(1), value });
      }
      if (bytes > bytesLeft) {
        throw new KvError(
          "NOT_READY",
          `Cannot send shard ${shard} in one message: it is too large`,
        );
      }
      cursor = chunk.cursor;
    }
    return { kv, bytes };
  }

  async #deleteShardsData(
    request: ShardOperationRequest,
    caller: Caller,
  ): Promise<ShardOperationResponse> {
    try {
      await this.#options.transfers.run(() => this.#dropShards(request, caller));
      return this.#operationAnswer("OK", {});
    } catch (error) {
      return this.#operationAnswer(classicErrOf(error), {});
    }
  }

  /** @throws {KvError} As `shardsFor` and `dropShard` */
  async #dropShards(request: ShardOperationRequest, caller: Caller): Promise<void> {
    const { configNum } = request;
    for (const shard of shardsFor(caller, request)) {
      await dropShard(this.#options, { configNum, shard });
    }
  }

  #operationAnswer(err: ClassicErr, shards: ShardsData): ShardOperationResponse {
    const configNum = this.#options.machine.ownership.config.num;
    return { err, configNum, shards, lastOperations: {} };
  }
}

/**
 * The shards of a request, one by one while its caller waits for them: each costs an
 * entry of the log, or a read.
 *
 * @throws {KvError} INVALID_ARGUMENT if there are too many; the caller's reason once it is gone
 */
function* shardsFor(caller: Caller, { shardIds }: ShardOperationRequest): Generator<number> {
  checkShardIds(shardIds);
  for (const shard of shardIds) {
    caller.signal.throwIfAborted();
    yield shard;
  }
}

/** A batch of one: eRaft's clients wait for each command before they send the next. */
function encodeClassicWrite(request: CommandRequest): Buffer {
  const sequence = Number(request.commandId);
  if (!Number.isSafeInteger(sequence) || sequence < 0) {
    throw new KvError(
      "INVALID_ARGUMENT",
      `Cannot use command id ${request.commandId}: it must be 0 to ${Number.MAX_SAFE_INTEGER}`,
    );
  }
  const batch = WriteBatch.encode({
    clientId: BigInt.asUintN(64, BigInt(request.clientId)).toString(),
    lowestUnanswered: sequence,
    commands: [{
      sequence,
      op: writeOpOf(request.op),
      key: request.key,
      value: request.value,
      expected: NO_BYTES,
      expectAbsent: false,
      deleteOnMatch: false,
    }],
  }).finish();
  return asBuffer(batch);
}

function writeOpOf(op: Op): WriteOp {
  if (op === Op.PUT) return WriteOp.WRITE_OP_PUT;
  if (op === Op.APPEND) return WriteOp.WRITE_OP_APPEND;
  throw new KvError("INVALID_ARGUMENT", `Cannot execute operation ${op}: it is unknown`);
}

function responseOf(result: Result | undefined): CommandResponse {
  if (result === undefined) throw new KvError("INTERNAL", "Cannot answer: there is no result");
  return { err: classicErrOfResult(result.code), value: result.value };
}

function answer(err: ClassicErr): CommandResponse {
  return { err, value: NO_BYTES };
}
