/** Bounds how many requests are being answered. */
import { KvError } from "../../rpc/errors.ts";

export class RequestGate {
  readonly #max: number;
  #active = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** @throws {KvError} OVERLOADED if as many as allowed are being answered */
  enter(): void {
    if (this.#active >= this.#max) {
      throw new KvError(
        "OVERLOADED",
        `Cannot take the request: ${this.#active} are being answered, the limit is ${this.#max}`,
      );
    }
    this.#active++;
  }

  leave(): void {
    this.#active--;
  }

  /**
   * Answers a request between `enter` and `leave`.
   *
   * @throws {KvError} As `enter`
   */
  async run<Response>(answer: () => Promise<Response>): Promise<Response> {
    this.enter();
    try {
      return await answer();
    } finally {
      this.leave();
    }
  }
}
