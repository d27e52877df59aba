/** A client of the controllers: asks for configurations, follows them and changes them. */
import {
  type Config as ConfigMessage,
  ControllerServiceService,
  ShardCtrlerServiceService,
} from "../proto/gen/shardctrler.ts";
import { KvError } from "../rpc/errors.ts";
import { SESSION_TTL_MS } from "../rpc/retry.ts";
import type { Dialer } from "../rpc/service.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Prng, randomId } from "../runtime/prng.ts";
import { encodeChange } from "../shardctrler/configuration/change_codec.ts";
import { checkChange, type ConfigChange } from "../shardctrler/configuration/change.ts";
import { decodeConfig } from "../shardctrler/configuration/config_codec.ts";
import {
  type Config,
  type Gid,
  type GroupIdentity,
  NO_IDENTITY,
  type ShardId,
} from "../shardctrler/configuration/config.ts";
import { watchConfigs } from "./calls/config_watch.ts";
import { type LeaderCall, LeaderCaller } from "./calls/leader_caller.ts";
import { ageOf, momentOf } from "./calls/moment.ts";
import { type ControllerStatus, offlineStatus, onlineStatus } from "./status/controller_status.ts";

export type { ControllerStatus } from "./status/controller_status.ts";
export { DeadlineError } from "./calls/deadline_error.ts";

/** Milliseconds a call may take unless it says otherwise. */
const CTRLER_TIMEOUT_MS = 30_000;
/**
 * Longest time a change is sent again and again, in milliseconds. Controllers that have forgotten its
 * session would make it twice; what is still on its way at the end has as long again to arrive.
 */
const CHANGE_TIMEOUT_MS_MAX = SESSION_TTL_MS / 2;
/** Milliseconds a controller has to tell its status before it counts as offline. */
const CTRLER_STATUS_TIMEOUT_MS = 2_000;

export interface CtrlerClerkOptions {
  /** Addresses, `host:port`; one that works is enough, all of them are better. */
  readonly controllers: readonly string[];
  /** Stays the caller's: it is not closed with the clerk. */
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  /** Milliseconds one call may take, tries included; a change 30 minutes at most. @default {30000} */
  readonly timeoutMs?: number | undefined;
}

/** Limits of one call. */
export interface CtrlerCallOptions {
  /** Milliseconds; of a change 30 minutes count at most. @default {the clerk's} */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told why a controller could not be asked, before the next is. */
  readonly onFailure?: ((error: KvError) => void) | undefined;
}

export interface WatchOptions {
  /** Number of the first configuration wanted. */
  readonly from: number;
  /** Skip what is outdated and give the newest only. @default {false} */
  readonly latest?: boolean;
  /** Called every few seconds while no controller can be watched or asked; the watch goes on. */
  readonly onSilence?: ((error: KvError) => void) | undefined;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** A client id with the number of the last change made under it. */
interface ChangeSession {
  readonly clientId: string;
  sequence: number;
}

/**
 * Every call finds the leader by itself, tries again what may be tried again,
 * and ends by its deadline. A change takes effect once, however often it had
 * to be sent. All methods throw {@linkcode KvError}; a `DeadlineError` says
 * which controllers were tried and whether the change may have taken effect.
 *
 * @example
 * ```ts
 * import { CtrlerClerk } from "./ctrler_clerk.ts";
 * import { systemClock } from "../runtime/clock.ts";
 * import { createPrng, randomSeed } from "../runtime/prng.ts";
 * import type { Dialer } from "../rpc/service.ts";
 *
 * async function addGroup(dialer: Dialer): Promise<number> {
 *   const clerk = new CtrlerClerk({
 *     controllers: ["localhost:50051"],
 *     dialer,
 *     clock: systemClock,
 *     prng: createPrng(randomSeed()),
 *   });
 *   const config = await clerk.join(new Map([[100, ["localhost:6001"]]]));
 *   return config.num;
 * }
 * ```
 */
export class CtrlerClerk {
  readonly #options: CtrlerClerkOptions;
  readonly #caller: LeaderCaller;
  readonly #closed = new AbortController();
  /**
   * Sessions no change is using. A session has one change under way at a time,
   * so concurrent changes use several; there are as many as ever ran together.
   */
  readonly #idle: ChangeSession[] = [];

  /** @throws {TypeError} When no controller is given */
  constructor(options: CtrlerClerkOptions) {
    if (options.controllers.length === 0) {
      throw new TypeError("Cannot make a clerk: 'controllers' is empty");
    }
    this.#options = options;
    this.#caller = new LeaderCaller({ ...options, servers: options.controllers });
  }

  /**
   * Gets a configuration, linearizably.
   *
   * @param num Its number; a negative one stands for the latest. @default {-1}
   * @throws {KvError} NOT_FOUND when it does not exist yet
   */
  async query(num = -1, call: CtrlerCallOptions = {}): Promise<Config> {
    const response = await this.#call("query", "read", call, (channel, options) => {
      return channel.unary(ControllerServiceService.query, { num }, options);
    });
    return configOf(response.config);
  }

  /**
   * Adds groups and spreads the shards over all groups.
   *
   * @param groups Addresses of each new group's servers
   * @param options `identities`: those that the servers have told. A group of the same number that
   *   begins on other disks will then never be taken for this one
   * @returns The configuration that came of it
   * @throws {KvError} INVALID_ARGUMENT, ALREADY_EXISTS, REFUSED
   */
  join(
    groups: ReadonlyMap<Gid, readonly string[]>,
    options: CtrlerCallOptions & {
      readonly identities?: ReadonlyMap<Gid, GroupIdentity> | undefined;
    } = {},
  ): Promise<Config> {
    const { identities = new Map(), ...call } = options;
    return this.#change({ kind: "join", groups, identities }, call);
  }

  /**
   * Takes groups out and spreads their shards over those that stay.
   *
   * @param options `force`: take the last group out too, although nobody then serves the shards
   * @returns The configuration that came of it
   * @throws {KvError} INVALID_ARGUMENT, NOT_FOUND; REFUSED for the last group without force
   */
  leave(
    gids: readonly Gid[],
    options: CtrlerCallOptions & { readonly force?: boolean } = {},
  ): Promise<Config> {
    return this.#change({ kind: "leave", gids, force: options.force ?? false }, options);
  }

  /**
   * Has a shard served by another group, until the next join or leave.
   *
   * @returns The configuration that came of it, or the latest if the group serves the shard already
   * @throws {KvError} INVALID_ARGUMENT, NOT_FOUND
   */
  move(shard: ShardId, gid: Gid, call: CtrlerCallOptions = {}): Promise<Config> {
    return this.#change({ kind: "move", shard, gid }, call);
  }

  /**
   * Tells the controllers where the servers of a group are now.
   *
   * @returns The configuration that came of it, or the latest if they know already
   * @throws {KvError} INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS
   */
  changeServers(
    gid: Gid,
    servers: readonly string[],
    options: CtrlerCallOptions & { readonly identity?: GroupIdentity | undefined } = {},
  ): Promise<Config> {
    const { identity = NO_IDENTITY, ...call } = options;
    return this.#change({ kind: "servers", gid, servers, identity }, call);
  }

  /** Configurations as they come to exist; ends, without an error, when the signal aborts. */
  watch(options: WatchOptions): AsyncIterable<Config> {
    const { controllers, dialer, clock, prng } = this.#options;
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    return watchConfigs({
      dialer,
      clock,
      prng,
      servers: controllers.length,
      first: this.#caller.preferred,
      after: (address) => this.#caller.after(address),
      query: (num) => this.query(num, { signal, timeoutMs: CTRLER_STATUS_TIMEOUT_MS }),
      from: options.from,
      latest: options.latest ?? false,
      onSilence: options.onSilence,
      signal,
    });
  }

  /** What every controller says of itself, in the order of `controllers`; never fails as a whole. */
  status(call: CtrlerCallOptions = {}): Promise<ControllerStatus[]> {
    const { controllers, dialer } = this.#options;
    const timeoutMs = call.timeoutMs ?? CTRLER_STATUS_TIMEOUT_MS;
    const signal = this.#signal(call);
    return Promise.all(controllers.map(async (address, position) => {
      try {
        const response = await dialer.channel(address)
          .unary(ShardCtrlerServiceService.getStatus, {}, { timeoutMs, signal });
        return onlineStatus(address, response);
      } catch (error) {
        return offlineStatus(address, position, KvError.from(error));
      }
    }));
  }

  /** Gives up the calls and watches under way; safe to call again. */
  close(): void {
    this.#closed.abort();
  }

  async #change(change: ConfigChange, call: CtrlerCallOptions): Promise<Config> {
    const refusal = checkChange(change);
    if (refusal !== undefined) throw new KvError(refusal.code, refusal.message);
    const { clock, prng } = this.#options;
    const begun = momentOf(clock);
    const session = this.#idle.pop() ?? { clientId: randomId(prng), sequence: 0 };
    session.sequence++;
    const { clientId, sequence } = session;
    const request = { clientId, sequence, change: encodeChange(change) };
    const timeoutMs = Math.min(this.#timeoutMs(call), CHANGE_TIMEOUT_MS_MAX);
    try {
      const response = await this.#call(
        change.kind,
        "write",
        { ...call, timeoutMs },
        (channel, options) => {
          checkAge(change.kind, ageOf(begun, momentOf(clock)));
          return channel.unary(ControllerServiceService.change, request, options);
        },
      );
      return configOf(response.config);
    } finally {
      // Also after a failure: the next number makes servers refuse what is late of this one.
      this.#idle.push(session);
    }
  }

  #call<Result>(
    what: string,
    kind: "read" | "write",
    call: CtrlerCallOptions,
    attempt: LeaderCall<Result>["attempt"],
  ): Promise<Result> {
    const timeoutMs = this.#timeoutMs(call);
    const { onFailure } = call;
    const signal = this.#signal(call);
    return this.#caller.call({ what, kind, timeoutMs, signal, attempt, onFailure });
  }

  #timeoutMs(call: CtrlerCallOptions): number {
    return call.timeoutMs ?? this.#options.timeoutMs ?? CTRLER_TIMEOUT_MS;
  }

  #signal(call: CtrlerCallOptions): AbortSignal {
    if (call.signal === undefined) return this.#closed.signal;
    return AbortSignal.any([call.signal, this.#closed.signal]);
  }
}

/**
 * The timeout alone does not end a change in time: it stands still while the machine is suspended.
 *
 * @throws {KvError} SESSION_EXPIRED once the controllers may have forgotten the change
 */
function checkAge(what: string, ageMs: number): void {
  if (ageMs <= CHANGE_TIMEOUT_MS_MAX) return;
  throw new KvError(
    "SESSION_EXPIRED",
    `Cannot tell whether the ${what} first sent ${Math.ceil(ageMs)} ms ago happened: ` +
      `controllers may have forgotten it`,
  );
}

function configOf(message: ConfigMessage | undefined): Config {
  if (message === undefined) {
    throw new KvError("INTERNAL", "Cannot read the answer: it carries no configuration");
  }
  try {
    return decodeConfig(message);
  } catch (error) {
    throw KvError.from(error);
  }
}
