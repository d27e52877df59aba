/** Finds the leader among a fixed set of servers, and makes a call there. */
import { errorTraits, KvError } from "../../rpc/errors.ts";
import { backoffMs } from "../../rpc/retry.ts";
import type { CallOptions, Channel, Dialer } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import { sleep } from "../../runtime/clock.ts";
import { invariant } from "../../runtime/invariant.ts";
import type { Prng } from "../../runtime/prng.ts";
import { DeadlineError, type FailedAttempt, stageOf, wasNeverSent } from "./deadline_error.ts";

/**
 * Milliseconds one server may take before the next is asked. A sound leader
 * answers in a fraction; one cut off from its followers finds out after an
 * election timeout, one to two seconds by default.
 */
const ATTEMPT_TIMEOUT_MS = 3_000;

export interface LeaderCallerOptions {
  /** One or more. */
  readonly servers: readonly string[];
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
}

/** One call, as often as it takes. */
export interface LeaderCall<Result> {
  /** For error messages: the call in a word or two. */
  readonly what: string;
  readonly kind: "read" | "write";
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Makes one attempt. A write must be the same each time, sequence number included. */
  readonly attempt: (channel: Channel, options: CallOptions) => Promise<Result>;
  /** Told why an attempt came to nothing, before the next. */
  readonly onFailure?: ((error: KvError) => void) | undefined;
}

export class LeaderCaller {
  readonly #options: LeaderCallerOptions;
  /** Who answered last or was named as the leader since. */
  #preferred: string;

  constructor(options: LeaderCallerOptions) {
    const first = options.servers[0];
    invariant(first !== undefined, "A caller needs a server to call");
    this.#options = options;
    this.#preferred = first;
  }

  /** The server to try first. */
  get preferred(): string {
    return this.#preferred;
  }

  /** The server to try after `address` has failed. */
  after(address: string): string {
    const { servers } = this.#options;
    return servers[(servers.indexOf(address) + 1) % servers.length] ?? address;
  }

  /**
   * Tries server after server, following hints to the leader, until one gives
   * a final answer. After each round of failures it waits longer.
   *
   * @throws {DeadlineError} When no final answer came in time
   * @throws {KvError} When the answer is an error that trying again cannot help
   */
  async call<Result>(call: LeaderCall<Result>): Promise<Result> {
    const { clock, dialer, servers, prng } = this.#options;
    const deadline = clock.now() + call.timeoutMs;
    const failures = new Failures(call);
    let address = this.#preferred;
    for (let attempts = 1;; attempts++) {
      if (call.signal.aborted) throw cancelled(call.what);
      const leftMs = deadline - clock.now();
      if (leftMs <= 0) throw failures.deadlineError();
      const timeoutMs = Math.min(ATTEMPT_TIMEOUT_MS, leftMs);
      try {
        const options = { timeoutMs, signal: call.signal };
        const result = await call.attempt(dialer.channel(address), options);
        this.#preferred = address;
        return result;
      } catch (error) {
        const failure = failures.add(address, error);
        call.onFailure?.(failure);
        address = this.#afterFailure(address, failure.leader);
      }
      // One more than there are servers: a hint may lead to a server twice.
      if (attempts % (servers.length + 1) !== 0) continue;
      const waitMs = backoffMs(attempts / (servers.length + 1) - 1, prng);
      await this.#pause(Math.min(waitMs, deadline - clock.now()), call.signal);
    }
  }

  #afterFailure(address: string, leader: string | undefined): string {
    if (leader === undefined || leader === address) return this.after(address);
    this.#preferred = leader;
    return leader;
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0) return;
    // An abort is seen, and named, at the top of the loop.
    await sleep(this.#options.clock, ms, signal).catch(() => {});
  }
}

/** What went wrong so far in one call. */
class Failures {
  readonly #call: LeaderCall<unknown>;
  /** By address, the last one of each: bounded by the servers and the hints they give. */
  readonly #last = new Map<string, FailedAttempt>();
  #maybe = false;

  constructor(call: LeaderCall<unknown>) {
    this.#call = call;
  }

  /** @throws {KvError} If trying again cannot help */
  add(address: string, thrown: unknown): KvError {
    const { signal, what } = this.#call;
    if (signal.aborted) throw cancelled(what);
    const error = KvError.from(thrown);
    if (!errorTraits[error.code].retry) throw error;
    if (error.maybe && !wasNeverSent(error)) this.#maybe = true;
    this.#last.set(address, { address, stage: stageOf(error), error });
    return error;
  }

  deadlineError(): DeadlineError {
    const { what, kind, timeoutMs } = this.#call;
    const maybe = kind === "write" ? this.#maybe : undefined;
    return new DeadlineError({ what, timeoutMs, tried: [...this.#last.values()], maybe });
  }
}

function cancelled(what: string): KvError {
  return new KvError("CANCELLED", `Cannot finish ${what}: the caller gave it up`);
}
