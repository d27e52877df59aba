/**
 * Takes calls in, routes each to its group, and sees to it that each ends exactly
 * once, and in time.
 */
import type { Result } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { type BackoffBounds, backoffMs } from "../../rpc/retry.ts";
import type { Dialer } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type Prng, randomId } from "../../runtime/prng.ts";
import {
  type Config,
  type Gid,
  NO_GROUP,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import { takeNumberBack } from "./batcher.ts";
import { aborted, clerkClosed, expired, refused } from "./call_errors.ts";
import { Deadlines } from "./deadlines.ts";
import { type CallOwner, GroupConnection } from "./group_connection.ts";
import type { PendingCall } from "./pending_call.ts";
import { RetryTimer } from "./retry_timer.ts";
import { type ConfigSource, type RefusingGroup, Router } from "./routing.ts";
import { Session } from "./session.ts";

/** Most calls that may be pending in one clerk; more are refused as OVERLOADED. */
export const CALLS_PENDING_MAX = 65_536;
/** Most bytes of keys and values that may be pending in one clerk: the memory it may cost. */
const BYTES_PENDING_MAX = 128 * 1_048_576;

/**
 * Time for one question to the controllers, in milliseconds: enough to wait for
 * two that hang and to hear the third. Calls that wait have deadlines of their own.
 */
const CONFIG_TIMEOUT_MS = 10_000;

/** Groups to which a call may be sent on before it has to wait: no chain of moves is longer. */
const HOPS_MAX = 3;
/** Waits for a shard that is just being handed over, which takes some round trips. */
const HAND_OVER_BOUNDS: BackoffBounds = { initialMs: 5, maxMs: 20 };
/** After this many of them the usual waits follow: something else is wrong. */
const HAND_OVER_WAITS_MAX = 16;

export interface DispatcherOptions {
  readonly source: ConfigSource;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  /** Addresses behind `source`, for messages. */
  readonly controllers: readonly string[];
}

/** What a caller may say about one call. */
export interface CallTerms {
  /** Milliseconds from now. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export class Dispatcher implements CallOwner {
  readonly router: Router;
  readonly #options: DispatcherOptions;
  readonly #session: Session;
  readonly #deadlines: Deadlines;
  readonly #retries: RetryTimer;
  readonly #connections = new Map<Gid, GroupConnection>();
  readonly #ended = new AbortController();
  /** Calls that cannot be routed before the controllers have answered. */
  #awaitingConfig: PendingCall[] = [];
  #bytesPending = 0;

  constructor(options: DispatcherOptions) {
    const { source, clock, prng } = options;
    this.#options = options;
    this.#session = new Session(randomId(prng));
    this.#deadlines = new Deadlines({ clock, onExpired: (call) => this.#onExpired(call) });
    this.#retries = new RetryTimer(clock, (call) => this.#route(call));
    this.router = new Router({
      source,
      clock,
      timeoutMs: CONFIG_TIMEOUT_MS,
      signal: this.#ended.signal,
      onFailure: (error) => this.#onNoConfig(error),
      onChange: (config) => this.#onConfig(config),
    });
  }

  /** Aborted when the clerk is closed. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Whether another call of so many bytes would be taken. */
  hasRoom(bytes: number): boolean {
    return this.#deadlines.size < CALLS_PENDING_MAX &&
      this.#bytesPending + bytes <= BYTES_PENDING_MAX;
  }

  /** Takes the call; its completion is told how it ended, at once if it is turned away. */
  submit(call: PendingCall, terms: CallTerms): void {
    if (this.#ended.signal.aborted) return this.#turnAway(call, clerkClosed(call));
    if (terms.signal?.aborted) return this.#turnAway(call, aborted(call, terms.signal.reason));
    if (!this.hasRoom(call.bytes)) {
      const pending = `${this.#deadlines.size} calls with ${this.#bytesPending} bytes are pending`;
      return this.#turnAway(
        call,
        new KvError("OVERLOADED", `Cannot take another call: ${pending}`),
      );
    }
    this.#bytesPending += call.bytes;
    this.#deadlines.add(call, terms.timeoutMs);
    if (terms.signal !== undefined) this.#listen(call, terms.signal);
    this.#route(call);
  }

  succeed(call: PendingCall, result: Result): void {
    if (call.settled) return;
    this.#deadlines.remove(call);
    this.#settle(call);
    call.resolve(result);
  }

  fail(call: PendingCall, error: KvError): void {
    if (call.settled) return;
    this.#deadlines.remove(call);
    this.#settle(call);
    call.reject(refused(call, error));
  }

  retryElsewhere(calls: readonly PendingCall[], error: KvError, from: RefusingGroup): void {
    const known = this.router.config?.num ?? 0;
    for (const call of calls) takeNumberBack(call, this.#session);
    const isGiven = error.code === "WRONG_GROUP";
    this.router.refused(from, this.#shardsOf(calls), isGiven);
    const waiting = calls.filter((call) => !this.#sendOn(call));
    if (isGiven && from.configNum > known) {
      for (const call of waiting) this.#awaitConfig(call);
      this.router.refresh();
      return;
    }
    if (from.places.length > 0) return this.#awaitHandOver(waiting);
    // The group is behind or still moving data: it will come round by itself. Should it be
    // this side that is behind in a way the answer does not show, the refresh finds out.
    if (isGiven) this.router.refresh();
    this.#later(waiting);
  }

  suspectConfig(gid: Gid): void {
    this.router.refresh();
    if (!this.router.forgetDetours(gid)) return;
    for (const call of this.#connections.get(gid)?.takeQueued() ?? []) this.#route(call);
  }

  /** Ends every call with CANCELLED and every stream. */
  close(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(new KvError("CANCELLED", "The clerk is closed"));
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    this.#retries.close();
    for (const call of this.#deadlines.calls()) this.#giveUp(call, clerkClosed(call));
    this.#deadlines.close();
  }

  #turnAway(call: PendingCall, error: KvError): void {
    call.settled = true;
    call.reject(error);
  }

  #listen(call: PendingCall, signal: AbortSignal): void {
    const onAbort = () => this.#giveUp(call, aborted(call, signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    call.detach = () => signal.removeEventListener("abort", onAbort);
  }

  #route(call: PendingCall): void {
    const place = this.router.locate(call.key);
    if (place === undefined) return this.#awaitConfig(call);
    const connection = place.gid === NO_GROUP ? undefined : this.#connection(place.gid);
    if (connection !== undefined) return connection.enqueue(call);
    const num = this.router.config?.num ?? 0;
    call.lastError = new KvError(
      "NOT_READY",
      `No group serves shard ${place.shard} in configuration ${num}`,
    );
    this.router.refresh();
    this.#later([call]);
  }

  #connection(gid: Gid): GroupConnection | undefined {
    const known = this.#connections.get(gid);
    if (known !== undefined) return known;
    const choice = this.router.replicas(gid);
    if (choice === undefined) return undefined;
    const { dialer, clock, prng } = this.#options;
    const session = this.#session;
    const connection = new GroupConnection({
      gid,
      choice,
      dialer,
      clock,
      prng,
      session,
      owner: this,
    });
    this.#connections.set(gid, connection);
    return connection;
  }

  #awaitConfig(call: PendingCall): void {
    if (this.router.config === undefined) call.lastError ??= this.#noConfig();
    this.#awaitingConfig.push(call);
    if (this.#awaitingConfig.length === 1) this.#fetchConfig();
  }

  #noConfig(last?: KvError): KvError {
    const controllers = this.#options.controllers.join(", ");
    const why = last === undefined ? "" : ` (${last.message})`;
    return new KvError("UNAVAILABLE", `No controller has answered yet, of ${controllers}${why}`);
  }

  /** Calls whose time is up before all controllers were asked can tell what came of it so far. */
  #onNoConfig(error: KvError): void {
    if (this.router.config !== undefined || this.#awaitingConfig.length === 0) return;
    const told = this.#noConfig(error);
    for (const call of this.#awaitingConfig) call.lastError = told;
  }

  async #fetchConfig(): Promise<void> {
    const error = await this.router.refresh();
    const calls = this.#awaitingConfig.filter((call) => !call.settled);
    this.#awaitingConfig = [];
    if (error === undefined) {
      for (const call of calls) this.#route(call);
    } else if (error.code === "REFUSED") {
      // Another store's controllers: waiting does not make them this store's.
      for (const call of calls) this.fail(call, error);
    } else {
      for (const call of calls) call.lastError = error;
      this.#later(calls);
    }
  }

  #shardsOf(calls: readonly PendingCall[]): Set<ShardId> {
    return new Set(calls.flatMap(({ key }) => this.router.locate(key)?.shard ?? []));
  }

  /** Sends the call to the group that serves its shard for its owner; false if there is none. */
  #sendOn(call: PendingCall): boolean {
    const place = this.router.locate(call.key);
    if (place === undefined || !this.router.isDetour(place.shard)) return false;
    if (call.hops >= HOPS_MAX) return false;
    call.hops++;
    this.#route(call);
    return true;
  }

  #awaitHandOver(calls: readonly PendingCall[]): void {
    const short = calls.filter((call) => call.waits < HAND_OVER_WAITS_MAX);
    this.#later(short, HAND_OVER_BOUNDS);
    this.#later(calls.filter((call) => !short.includes(call)));
  }

  #later(calls: readonly PendingCall[], bounds?: BackoffBounds): void {
    let attempts = 0;
    for (const call of calls) {
      call.hops = 0;
      attempts = Math.max(attempts, ++call.waits);
    }
    if (calls.length === 0) return;
    this.#retries.add(calls, backoffMs(attempts - 1, this.#options.prng, bounds));
  }

  #onConfig(config: Config): void {
    for (const [gid, connection] of this.#connections) {
      const waiting = connection.takeQueued();
      if (config.groups.has(gid)) connection.recheckReplicas();
      else {
        connection.retire();
        this.#connections.delete(gid);
      }
      for (const call of waiting) this.#route(call);
    }
  }

  #onExpired(call: PendingCall): void {
    const error = expired(call);
    this.#settle(call);
    this.#noticeExpiry(call);
    call.reject(error);
  }

  #giveUp(call: PendingCall, error: KvError): void {
    this.#deadlines.remove(call);
    this.#settle(call);
    this.#noticeExpiry(call);
    call.reject(error);
  }

  #noticeExpiry(call: PendingCall): void {
    const gid = this.router.locate(call.key)?.gid;
    if (gid !== undefined) this.#connections.get(gid)?.noticeExpiry();
  }

  #settle(call: PendingCall): void {
    call.settled = true;
    call.detach?.();
    this.#bytesPending -= call.bytes;
    if (call.sequence !== 0) this.#session.answered(call.sequence);
  }
}
