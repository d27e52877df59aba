/** One replica that is asked for a hash of its state, step by step. */
import { CheckServiceService, type HashRequest, type HashResponse } from "../../proto/gen/check.ts";
import { KvError } from "../../rpc/errors.ts";
import type { ClientStream, Dialer } from "../../rpc/service.ts";

export class StateHashCall {
  readonly address: string;
  readonly #stream: ClientStream<HashRequest, HashResponse>;
  readonly #responses: AsyncIterator<HashResponse>;

  constructor(dialer: Dialer, address: string, signal: AbortSignal) {
    this.address = address;
    this.#stream = dialer.channel(address).stream(CheckServiceService.hash, { signal });
    this.#responses = this.#stream.responses[Symbol.asyncIterator]();
  }

  /**
   * Has the replica look when exactly `index` is applied; 0: now.
   *
   * @returns The index that was seen: another one if this was passed, or not reached in time
   * @throws {KvError} What the replica or the way to it says
   */
  async look(index: number, waitMs: number): Promise<HashResponse> {
    return await this.#ask({ index, waitMs, hash: false });
  }

  /**
   * The hash of what was seen, and the end of the call: the replica is ready for
   * the next one. May take long: it reads everything.
   *
   * @throws {KvError} What the replica or the way to it says
   */
  async hash(): Promise<HashResponse> {
    const response = await this.#ask({ index: 0, waitMs: 0, hash: true });
    this.#stream.end();
    await this.#responses.next();
    return response;
  }

  /** Lets the replica forget what it saw. Safe to call again. */
  close(): void {
    this.#stream.cancel();
  }

  async #ask(request: HashRequest): Promise<HashResponse> {
    this.#stream.send(request);
    const { done, value } = await this.#responses.next();
    if (!done) return value;
    throw new KvError("UNAVAILABLE", `Cannot hash the state of ${this.address}: the call ended`);
  }
}
