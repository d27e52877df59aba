/** Calls to another group: the next replica after a failure, its leader if it names one, and a pause. */
import { KvError } from "../../rpc/errors.ts";
import { backoffMs } from "../../rpc/retry.ts";
import type { Dialer, Method } from "../../rpc/service.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Prng } from "../../runtime/prng.ts";
import { TRANSFER_TIMEOUT_MS } from "../limits.ts";

/** Failures in a row between two warnings: about one every few seconds. */
const FAILURES_PER_WARNING = 20;

export interface ReplicaCallerOptions {
  /** Addresses of the group's replicas, as far as they are known. */
  readonly servers: readonly string[];
  /**
   * Where they are by now; asked when none of those known has answered. All of
   * them may have been replaced since.
   */
  readonly newest: () => Promise<readonly string[]>;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  /** Ends the calls. */
  readonly signal: AbortSignal;
}

export class ReplicaCaller {
  readonly #options: ReplicaCallerOptions;
  #servers: readonly string[];
  /** The replica that answered last, or the one to try next. */
  #address: string | undefined;
  #failures = 0;

  constructor(options: ReplicaCallerOptions) {
    this.#options = options;
    this.#servers = options.servers;
    this.#address = options.servers[0];
  }

  /**
   * Asks replica after replica until one answers.
   *
   * @throws The signal's reason once it is aborted
   * @throws {KvError} NOT_FOUND if the group has no known replica
   */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const { dialer, clock, prng, signal } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      const address = this.#address ?? await this.#askForServers();
      if (address === undefined) {
        throw new KvError("NOT_FOUND", `Cannot call ${method.path}: the group has no known server`);
      }
      try {
        const options = { timeoutMs: TRANSFER_TIMEOUT_MS, signal };
        const response = await dialer.channel(address).unary(method, request, options);
        this.#failures = 0;
        return response;
      } catch (error) {
        this.#choose(address, KvError.from(error), method.path);
      }
      if (this.#failures > 0 && this.#failures % this.#servers.length === 0) {
        await this.#askForServers();
      }
      await sleep(clock, backoffMs(this.#failures, prng), signal);
    }
  }

  /** @returns The one to try next; undefined if nobody knows any */
  async #askForServers(): Promise<string | undefined> {
    const { newest, signal, logger } = this.#options;
    try {
      const servers = await newest();
      if (servers.length > 0 && servers.join() !== this.#servers.join()) {
        this.#servers = servers;
        this.#address = servers[0];
      }
    } catch (error) {
      signal.throwIfAborted();
      logger.debug("Cannot ask where the other group is", { error: KvError.from(error).message });
    }
    return this.#address;
  }

  #choose(address: string, error: KvError, path: string): void {
    const { logger } = this.#options;
    const servers = this.#servers;
    const next = servers[(servers.indexOf(address) + 1) % servers.length];
    // A leader that names itself knows nothing new.
    this.#address = error.leader === undefined || error.leader === address ? next : error.leader;
    this.#failures++;
    const fields = { path, address, code: error.code, error: error.message };
    if (this.#failures % FAILURES_PER_WARNING === 0) {
      logger.warn("No replica of the other group answers", { ...fields, tries: this.#failures });
    } else {
      logger.debug("A replica of the other group did not answer", fields);
    }
  }
}
