/** Wakes whoever waits for a configuration as soon as it exists. */
import type { KvError } from "../../rpc/errors.ts";
import { abortable } from "../../runtime/abortable.ts";
import { invariant } from "../../runtime/invariant.ts";
import type { Config } from "../configuration/config.ts";

interface Waiter {
  readonly num: number;
  readonly resolve: (config: Config) => void;
  readonly reject: (error: unknown) => void;
}

export class ConfigFeed {
  #latest: Config | undefined;
  /** Bounded by the callers: a watch (controller_service.ts) has one wait at a time. */
  readonly #waiters = new Set<Waiter>();

  /** The latest configuration that can be read here; undefined while there is none. */
  get latest(): Config | undefined {
    return this.#latest;
  }

  /** Takes in the latest configuration and wakes those it satisfies. */
  publish(config: Config): void {
    const before = this.#latest?.num ?? -1;
    invariant(config.num >= before, () => `Configuration ${config.num} came after ${before}`);
    this.#latest = config;
    for (const waiter of this.#waiters) {
      if (waiter.num <= config.num) waiter.resolve(config);
    }
  }

  /**
   * Resolves with the latest configuration as soon as its number is `num` or higher.
   *
   * @throws The signal's reason once it is aborted, or what `interrupt` was given
   */
  async waitFor(num: number, signal: AbortSignal): Promise<Config> {
    signal.throwIfAborted();
    if (this.#latest !== undefined && this.#latest.num >= num) return this.#latest;
    const { promise, resolve, reject } = Promise.withResolvers<Config>();
    const waiter = { num, resolve, reject };
    this.#waiters.add(waiter);
    try {
      return await abortable(promise, signal);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** Fails everyone who waits now. */
  interrupt(error: KvError): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }
}
