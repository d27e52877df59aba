/** What clerks call: batches of writes and reads, and scans. */
import {
  type BatchRequest,
  type BatchResponse,
  KvServiceService,
  type Result,
  ResultCode,
  type ScanRequest,
  type ScanResponse,
  type ShardPlace,
  WriteBatch,
} from "../../proto/gen/shardkv.ts";
import { ENTRY_VALUES_MAX } from "../../raft/node/requests/proposals.ts";
import { KvError } from "../../rpc/errors.ts";
import { SESSION_TTL_MS } from "../../rpc/retry.ts";
import { type ServerStream, type ServiceRoutes, stream, unary } from "../../rpc/service.ts";
import { SequenceMap } from "../../runtime/sequence_map.ts";
import type { Answered, RequestMetrics } from "../../server/request_metrics.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import { type GroupLog, proposeWrites } from "../group_log.ts";
import { type GroupLimits, RESPONSE_BYTES_MAX, STREAM_REQUESTS_MAX } from "../limits.ts";
import { encodeWrites } from "../machine/commands.ts";
import type { ShardMachine } from "../machine/machine.ts";
import { shardOfKey, shardsOfKeys } from "../machine/ownership.ts";
import { ResponseRoom } from "../machine/results.ts";
import type { Arrivals } from "../migration/arrivals.ts";
import type { WriteBrake } from "../migration/write_brake.ts";
import { readKeys } from "./kv_reads.ts";
import { placesOfKeys } from "./places.ts";
import type { Caller, ReadBudget } from "./read_budget.ts";
import { checkGetKeys, checkScan, checkWrites } from "./request_check.ts";
import { RequestGate } from "./request_gate.ts";
import { scanPage } from "./scan.ts";
import { type Parts, separate, widen } from "./separate_answers.ts";
import { joinResults, splitWrites } from "./split_writes.ts";

export interface KvServiceOptions {
  readonly log: GroupLog;
  readonly machine: ShardMachine;
  readonly reads: ReadBudget;
  readonly limits: GroupLimits;
  readonly requests: RequestMetrics;
  readonly gid: Gid;
  readonly brake: WriteBrake;
  readonly arrivals: Arrivals;
  /** For the requests of all services. */
  readonly gate: RequestGate;
}

export class KvService {
  readonly #options: KvServiceOptions;

  constructor(options: KvServiceOptions) {
    this.#options = options;
  }

  get routes(): ServiceRoutes {
    return [
      unary(KvServiceService.execute, (request, caller) => this.#measured(request, caller)),
      unary(KvServiceService.scan, (request, caller) => this.#measuredScan(request, caller)),
      stream(KvServiceService.stream, (calls) => this.#serveStream(calls)),
    ];
  }

  /**
   * Executes a batch and reads keys, at the same time.
   *
   * @throws {KvError} For the batch as a whole; LEADERSHIP_LOST if its writes may have happened
   */
  async execute(request: BatchRequest, caller?: Caller): Promise<BatchResponse> {
    const { machine } = this.#options;
    checkGetKeys(request.getKeys);
    const writing = request.writes.length === 0 ? undefined : this.#write(request);
    const reading = request.getKeys.length === 0 ? [] : this.#read(request, writing, caller);
    const [writes, reads] = await Promise.allSettled([writing ?? [], reading]);
    if (writes.status === "rejected") throw writes.reason;
    if (reads.status === "rejected") throw readFailure(reads.reason, writes.value.length > 0);
    const room = new ResponseRoom(RESPONSE_BYTES_MAX);
    const writeResults = writes.value.map((result) => room.take(result));
    const getResults = reads.value.map((result) => room.take(result));
    return {
      id: request.id,
      error: "",
      message: "",
      leaderAddress: "",
      configNum: machine.ownership.config.num,
      writeResults,
      getResults,
      places: this.#places(request, writeResults, getResults),
      more: false,
    };
  }

  /** Where the shards are whose keys were refused: the client's configuration may not tell. */
  #places(
    request: BatchRequest,
    writes: readonly Result[],
    reads: readonly Result[],
  ): ShardPlace[] {
    const refused: Buffer[] = [];
    if (writes.some(isRefusal)) {
      WriteBatch.decode(request.writes).commands.forEach(({ key }, i) => {
        if (isRefusal(writes[i])) refused.push(key);
      });
    }
    request.getKeys.forEach((key, i) => {
      if (isRefusal(reads[i])) refused.push(key);
    });
    return placesOfKeys(this.#options, refused);
  }

  async #write({ writes, ageMs }: BatchRequest): Promise<Result[]> {
    const { log, machine, limits, arrivals, brake } = this.#options;
    const checked = checkWrites(writes, machine.ownership, limits.valueBytesMax);
    if (checked.hasSession && ageMs >= SESSION_TTL_MS) {
      throw new KvError(
        "SESSION_EXPIRED",
        `Cannot tell whether writes first sent ${ageMs} ms ago happened: ` +
          `their session is remembered for ${SESSION_TTL_MS} ms`,
      );
    }
    const refusals = log.status().role === "leader" ? checked.refusals : undefined;
    const propose = () => this.#propose(writes, checked.values);
    if (!this.#areShardsChangingHands) {
      return refusals === undefined ? await propose() : [...refusals];
    }
    const keys = WriteBatch.decode(writes).commands.map(({ key }) => key);
    const shards = shardsOfKeys(machine.ownership, keys);
    const wasExpected = await arrivals.holdWrites(shards);
    // The log alone can tell whether a shard that was waited for has come.
    if (refusals !== undefined && !wasExpected) return [...refusals];
    return await brake.hold(shards, propose);
  }

  async #propose(writes: Buffer, values: number): Promise<Result[]> {
    const { log, limits: { valueBytesMax } } = this.#options;
    if (values <= ENTRY_VALUES_MAX) {
      return await proposeWrites(log, encodeWrites(writes, valueBytesMax), values);
    }
    const proposing = splitWrites(writes, ENTRY_VALUES_MAX).map((part) =>
      proposeWrites(log, encodeWrites(part, valueBytesMax), ENTRY_VALUES_MAX)
    );
    return joinResults(await Promise.allSettled(proposing));
  }

  /** Whether any requests have to wait now. */
  get #areShardsChangingHands(): boolean {
    return this.#options.arrivals.areExpected || this.#options.brake.isOn;
  }

  /** The values count for as long as the writes that go with them take. */
  async #read(
    request: BatchRequest,
    writing: Promise<unknown> | undefined,
    caller?: Caller,
  ): Promise<Result[]> {
    const { arrivals, machine: { ownership }, reads } = this.#options;
    if (arrivals.areExpected) await arrivals.holdReads(shardsOfKeys(ownership, request.getKeys));
    const results = await readKeys(this.#options, request, caller);
    if (writing !== undefined) await reads.holdWhile(writing, results);
    return results;
  }

  #scan(request: ScanRequest, caller: Caller): Promise<ScanResponse> {
    const { operations, ownership } = this.#options.machine;
    checkScan(request, ownership);
    for (const shard of request.shards) {
      if (ownership.shards.has(shard)) operations.countRead(shard);
    }
    return scanPage(this.#options, request, caller);
  }

  #measured(request: BatchRequest, caller: Caller): Promise<BatchResponse> {
    const commands = request.getKeys.length + (request.writes.length > 0 ? 1 : 0);
    const { gate, requests } = this.#options;
    const answer = () => gate.run(() => this.execute(request, caller));
    return requests.watch(answer, commands, countBatch);
  }

  #measuredScan(request: ScanRequest, caller: Caller): Promise<ScanResponse> {
    const { gate, requests } = this.#options;
    const answer = () => gate.run(() => this.#scan(request, caller));
    return requests.watch(answer, 1, countScan);
  }

  async #serveStream(calls: ServerStream<BatchRequest, BatchResponse>): Promise<void> {
    const gate = new RequestGate(STREAM_REQUESTS_MAX);
    const answering = new SequenceMap<Promise<void>>();
    let count = 0;
    for await (const request of calls.requests) {
      try {
        gate.enter();
      } catch (error) {
        calls.send(this.#failure(request.id, error));
        continue;
      }
      const number = count++;
      const answer = this.#answer(request, calls).finally(() => {
        gate.leave();
        answering.delete(number);
      });
      answering.set(number, answer);
    }
    await Promise.all(answering.values());
  }

  async #answer(
    request: BatchRequest,
    calls: ServerStream<BatchRequest, BatchResponse>,
  ): Promise<void> {
    try {
      const parts = this.#separate(request);
      if (parts === undefined) calls.send(await this.#measured(request, calls));
      else await this.#answerParts(parts, calls);
    } catch (error) {
      calls.send(this.#failure(request.id, error));
    }
  }

  /** What must wait is executed behind the rest: who is told that a batch has failed sends all of it again. */
  async #answerParts(
    { prompt, held }: Parts,
    calls: ServerStream<BatchRequest, BatchResponse>,
  ): Promise<void> {
    const whole = {
      writes: prompt.writes.length + held.writes.length,
      reads: prompt.reads.length + held.reads.length,
    };
    const first = await this.#measured(prompt.request, calls);
    calls.send({ ...widen(first, prompt, whole), more: true });
    calls.send(await this.#measured(held.request, calls));
  }

  /** @throws {KvError} INVALID_ARGUMENT if the writes cannot be read */
  #separate(request: BatchRequest): Parts | undefined {
    const { arrivals, brake, limits, machine: { ownership } } = this.#options;
    if (!this.#areShardsChangingHands) return undefined;
    if (request.writes.length > 0) checkWrites(request.writes, ownership, limits.valueBytesMax);
    const isExpected = (key: Buffer) => arrivals.isExpected(shardOfKey(ownership, key) ?? -1);
    const isSlowed = (key: Buffer) => brake.isOnFor(shardOfKey(ownership, key) ?? -1);
    return separate(request, {
      isWriteHeld: (key) => isExpected(key) || isSlowed(key),
      isReadHeld: isExpected,
    });
  }

  #failure(id: number, cause: unknown): BatchResponse {
    const error = KvError.from(cause);
    return {
      id,
      error: error.code,
      message: error.message,
      leaderAddress: error.leader ?? "",
      configNum: this.#options.machine.ownership.config.num,
      writeResults: [],
      getResults: [],
      places: [],
      more: false,
    };
  }
}

function countBatch({ writeResults, getResults }: BatchResponse): Answered {
  const failures = writeResults.filter(isFailure).length + getResults.filter(isFailure).length;
  return { reads: getResults.length, writes: writeResults.length, failures };
}

function countScan({ places }: ScanResponse): Answered {
  return { reads: 1, writes: 0, failures: places.length > 0 ? 1 : 0 };
}

/** A key that is absent or holds something else is an answer too. */
function isFailure({ code }: Result): boolean {
  return code > ResultCode.RESULT_MISMATCH;
}

function isRefusal(result: Result | undefined): boolean {
  return result?.code === ResultCode.RESULT_WRONG_GROUP ||
    result?.code === ResultCode.RESULT_NOT_READY;
}

/** A failed read must not make writes that succeeded look as if they had not been executed. */
function readFailure(cause: unknown, wrote: boolean): KvError {
  const error = KvError.from(cause);
  if (!wrote || error.maybe) return error;
  const { message, leader } = error;
  return new KvError("LEADERSHIP_LOST", `${message}; the writes were executed`, { cause, leader });
}
