/**
 * The connection to one group: a queue of calls, a stream to the replica that
 * leads, and attempts to find that replica again.
 */
import { type BatchResponse, type Result, ResultCode } from "../../proto/gen/shardkv.ts";
import { errorTraits, isErrorCode, KvError } from "../../rpc/errors.ts";
import { backoffMs } from "../../rpc/retry.ts";
import type { Dialer } from "../../rpc/service.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Prng } from "../../runtime/prng.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import { type Batch, BATCH_COMMANDS_MAX, callsOf, takeBatch, takeNumberBack } from "./batcher.ts";
import { CallQueue } from "./call_queue.ts";
import { wasNeverSent } from "./deadline_error.ts";
import { momentOf } from "./moment.ts";
import type { PendingCall } from "./pending_call.ts";
import type { ReplicaChoice } from "./replica_choice.ts";
import { ReplicaStream } from "./replica_stream.ts";
import { refusal } from "./result_codes.ts";
import type { RefusingGroup } from "./routing.ts";
import type { Session } from "./session.ts";

/**
 * Most batches on their way to a leader. Each costs the servers a round of its own,
 * so another one leaves only if the one before was full or a full one waits. (With
 * many small batches at a time the same calls cost half as much again.)
 */
const BATCHES_IN_FLIGHT_MAX = 4;

/** Owns the connection, and decides what becomes of calls that it could not bring to an end. */
export interface CallOwner {
  succeed(call: PendingCall, result: Result): void;
  fail(call: PendingCall, error: KvError): void;
  /**
   * The group cannot serve the calls now; they look for their group again, at
   * once or later.
   */
  retryElsewhere(calls: readonly PendingCall[], error: KvError, from: RefusingGroup): void;
  /** No replica of the group was of use: the configuration may be old. */
  suspectConfig(gid: Gid): void;
}

export interface GroupConnectionOptions {
  readonly gid: Gid;
  readonly choice: ReplicaChoice;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly session: Session;
  readonly owner: CallOwner;
}

/**
 * Sends the group's calls in batches. While none is out, calls leave on the next
 * microtask; otherwise they gather until the answer is there or a batch is full.
 * Calls that came back without a verdict go to the front of the queue; writes
 * that may have happened are sent again under the same sequence numbers.
 */
export class GroupConnection {
  readonly #options: GroupConnectionOptions;
  readonly #queue = new CallQueue();
  /** Batches go here; undefined before the first and after a failure. */
  #current: ReplicaStream | undefined;
  /** Every stream that may still answer, `#current` included. */
  readonly #streams = new Set<ReplicaStream>();
  #flushQueued = false;
  /** Set while nothing is sent because the last attempts failed. */
  #pause: Timer | undefined;
  /** Attempts in a row that found no leader. */
  #failures = 0;
  /** How large recent values were on average; falls slowly. */
  #readBytes = 0;
  /** The session's window is full: what has no number yet is not sent before it opens. */
  #awaitsWindow = false;
  #closed = false;

  constructor(options: GroupConnectionOptions) {
    this.#options = options;
  }

  /** Sends the call with the next batch. */
  enqueue(call: PendingCall): void {
    this.#queue.push(call);
    this.#scheduleFlush();
  }

  /** A call in the queue was given up. */
  noticeExpiry(): void {
    this.#queue.sweep();
  }

  /** Gives up what has not been sent, for a new look at where it belongs. */
  takeQueued(): PendingCall[] {
    return this.#queue.takeAll();
  }

  /** Leaves a replica that is no longer the group's. */
  recheckReplicas(): void {
    const stream = this.#current;
    if (stream === undefined || this.#options.choice.addresses.includes(stream.address)) return;
    this.#leave(stream);
    this.#scheduleFlush();
  }

  /** The group is gone: nothing more is sent, and streams end with their last answer. */
  retire(): void {
    this.#closed = true;
    this.#pause?.cancel();
    for (const stream of this.#streams) stream.drain();
  }

  /** Ends all streams at once. */
  close(): void {
    this.#closed = true;
    this.#pause?.cancel();
    for (const stream of this.#streams) stream.cancel();
    this.#streams.clear();
  }

  #scheduleFlush(): void {
    if (this.#flushQueued || this.#pause !== undefined) return;
    if (this.#isStoppedByWindow || !this.#mayLeave(false)) return;
    this.#flushQueued = true;
    // Callers that were woken together ask again in this same turn; one batch takes them all.
    queueMicrotask(() => {
      this.#flushQueued = false;
      this.#flush();
    });
  }

  /** A write that has its number may leave, and may be what the window waits for. */
  get #isStoppedByWindow(): boolean {
    if (!this.#awaitsWindow) return false;
    const next = this.#queue.peek();
    return next === undefined || next.sequence === 0;
  }

  /** @param follows The batch before it left in the same turn, full */
  #mayLeave(follows: boolean): boolean {
    const stream = this.#current;
    if (stream === undefined || stream.inFlight === 0) return true;
    // A replica that has proven nothing may not lead: one batch is enough to find out.
    if (!stream.proven || stream.inFlight >= BATCHES_IN_FLIGHT_MAX) return false;
    return follows || this.#queue.length >= BATCH_COMMANDS_MAX;
  }

  #flush(): void {
    const { session, clock } = this.#options;
    if (this.#closed || this.#pause !== undefined) return;
    for (
      let follows = false;
      this.#queue.peek() !== undefined && this.#mayLeave(follows);
      follows = true
    ) {
      const batch = takeBatch(this.#queue, session, momentOf(clock), this.#readBytes);
      if (batch === undefined) return this.#awaitWindow();
      this.#current ??= this.#open();
      this.#current.send(batch);
    }
  }

  #awaitWindow(): void {
    if (this.#awaitsWindow) return;
    this.#awaitsWindow = true;
    this.#options.session.whenOpen(() => {
      this.#awaitsWindow = false;
      this.#scheduleFlush();
    });
  }

  #open(): ReplicaStream {
    const { choice, dialer, session, clock } = this.#options;
    const stream = new ReplicaStream({
      channel: dialer.channel(choice.address),
      session,
      clock,
      onAnswer: (from, batch, response) => this.#onAnswer(from, batch, response),
      onBroken: (from, batches, error) => this.#onBroken(from, batches, error),
    });
    this.#streams.add(stream);
    return stream;
  }

  #onAnswer(stream: ReplicaStream, batch: Batch, response: BatchResponse): void {
    if (response.error !== "") {
      this.#onRefusal(stream, batch, requestError(response, stream.address));
    } else if (
      response.writeResults.length !== batch.writes.length ||
      response.getResults.length !== batch.reads.length
    ) {
      const error = new KvError(
        "INTERNAL",
        `The server at ${stream.address} answered another number of commands than it was sent`,
      );
      for (const call of callsOf(batch)) this.#failCall(call, error);
    } else {
      stream.proven = true;
      this.#failures = 0;
      this.#options.choice.succeeded(stream.address);
      this.#learnReadBytes(response.getResults);
      this.#settle(batch.writes, response.writeResults, response);
      this.#settle(batch.reads, response.getResults, response);
    }
    if (stream !== this.#current && stream.isIdle) this.#streams.delete(stream);
    this.#scheduleFlush();
  }

  /**
   * Servers answer NOT_READY to reads whose values no longer fit into the
   * response. Asking for fewer large values at once is faster than asking twice.
   */
  #learnReadBytes(results: readonly Result[]): void {
    let bytes = 0;
    let count = 0;
    for (const { code, value } of results) {
      if (code === ResultCode.RESULT_NOT_READY || code === ResultCode.RESULT_SEPARATE) continue;
      bytes += value.length;
      count++;
    }
    if (count > 0) this.#readBytes = Math.max(bytes / count, this.#readBytes * 0.75);
  }

  #settle(
    calls: readonly PendingCall[],
    results: readonly Result[],
    { configNum, places }: BatchResponse,
  ): void {
    const { owner, gid } = this.#options;
    const retries = new Map<ResultCode, PendingCall[]>();
    for (const [index, call] of calls.entries()) {
      const result = results[index];
      if (call.settled || result === undefined) continue;
      if (result.code === ResultCode.RESULT_SEPARATE) continue;
      const error = refusal(result.code, call, gid);
      if (error === undefined) owner.succeed(call, result);
      else if (!errorTraits[error.code].retry) this.#failCall(call, error);
      else {
        call.attemptFailed(error);
        const same = retries.get(result.code);
        if (same === undefined) retries.set(result.code, [call]);
        else same.push(call);
      }
    }
    for (const same of retries.values()) {
      const error = same[0]?.lastError;
      if (error !== undefined) owner.retryElsewhere(same, error, { gid, configNum, places });
    }
  }

  /** The replica refused the batch as a whole. */
  #onRefusal(stream: ReplicaStream, batch: Batch, error: KvError): void {
    const calls = callsOf(batch).filter((call) => !call.settled);
    if (!errorTraits[error.code].retry) {
      for (const call of calls) this.#failCall(call, error);
      return;
    }
    this.#takeBack(calls, error);
    if (stream !== this.#current) return;
    if (error.code !== "OVERLOADED") {
      this.#leave(stream);
      this.#options.choice.notLeader(stream.address, error.leader);
    }
    this.#failed(error.code === "OVERLOADED");
  }

  /** Sends nothing more there, but still hears what was sent. */
  #leave(stream: ReplicaStream): void {
    this.#current = undefined;
    stream.drain();
    if (stream.isIdle) this.#streams.delete(stream);
  }

  #onBroken(stream: ReplicaStream, batches: readonly Batch[], error: KvError): void {
    this.#streams.delete(stream);
    // What broke is the connection: whatever it says, sessions make sending again safe.
    const maybe = !wasNeverSent(error);
    const broken = new KvError("UNAVAILABLE", error.message, { cause: error, maybe });
    this.#takeBack(batches.flatMap(callsOf), broken);
    if (stream === this.#current) {
      this.#current = undefined;
      if (stream.wentSilent) this.#options.choice.silent(stream.address);
      else this.#options.choice.unreachable(stream.address);
      if (batches.length > 0) this.#failed(false);
    }
    this.#scheduleFlush();
  }

  #takeBack(calls: readonly PendingCall[], error: KvError): void {
    const { owner, gid, session } = this.#options;
    for (const call of calls) {
      call.attemptFailed(error);
      takeNumberBack(call, session);
    }
    if (!this.#closed) this.#queue.requeue(calls);
    else owner.retryElsewhere(calls, error, { gid, configNum: 0, places: [] });
  }

  #failCall(call: PendingCall, error: KvError): void {
    if (!call.settled) this.#options.owner.fail(call, error);
  }

  /** One round over the replicas is free; after it, each attempt waits longer. */
  #failed(waitNow: boolean): void {
    const { choice, clock, prng, owner, gid } = this.#options;
    const free = waitNow ? 0 : choice.addresses.length;
    this.#failures++;
    if (this.#failures % choice.addresses.length === 0) owner.suspectConfig(gid);
    if (this.#failures < free || this.#pause !== undefined || this.#closed) return;
    this.#pause = clock.setTimer(() => {
      this.#pause = undefined;
      this.#scheduleFlush();
    }, backoffMs(Math.max(0, this.#failures - choice.addresses.length), prng));
  }
}

function requestError(response: BatchResponse, address: string): KvError {
  const code = isErrorCode(response.error) ? response.error : "INTERNAL";
  const message = response.message || `The server at ${address} answered ${response.error}`;
  return new KvError(code, message, { leader: response.leaderAddress || undefined });
}
