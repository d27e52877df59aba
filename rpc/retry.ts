/** When to try again: later each time, at a moment nobody else picks. */
import { invariant } from "../runtime/invariant.ts";
import type { Prng } from "../runtime/prng.ts";

export interface BackoffOptions {
  readonly prng: Prng;
  /** Milliseconds the first wait may take at most; 1 or more. Default 50. */
  readonly initialMs?: number;
  /** Milliseconds any wait may take at most; at least `initialMs`. Default 500. */
  readonly maxMs?: number;
}

/**
 * Exponential backoff with full jitter: the n-th wait is anything from 0 to
 * `initialMs * 2^n`, so that callers who failed together do not come back
 * together (Brooker, "Exponential Backoff And Jitter", 2015).
 */
export class Backoff {
  readonly #prng: Prng;
  readonly #initialMs: number;
  readonly #maxMs: number;
  /** Bound of the next wait. */
  #boundMs: number;

  constructor(options: BackoffOptions) {
    const { prng, initialMs = 50, maxMs = 500 } = options;
    invariant(
      Number.isInteger(initialMs) && Number.isInteger(maxMs) && initialMs >= 1 &&
        maxMs >= initialMs,
      `Backoff needs whole milliseconds, 1 <= initialMs <= maxMs: ${initialMs}, ${maxMs}`,
    );
    this.#prng = prng;
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
    this.#boundMs = initialMs;
  }

  /** Milliseconds to wait before the next try. */
  next(): number {
    const waitMs = this.#prng.below(this.#boundMs + 1);
    this.#boundMs = Math.min(this.#boundMs * 2, this.#maxMs);
    return waitMs;
  }

  /** Starts over, after something went well. */
  reset(): void {
    this.#boundMs = this.#initialMs;
  }
}
