/** Waiting longer and longer between attempts. */
import type { Prng } from "../runtime/prng.ts";

export interface BackoffOptions {
  /** First wait, milliseconds. */
  readonly initialMs: number;
  /** Longest wait, milliseconds. */
  readonly maxMs: number;
  readonly prng: Prng;
}

/** Exponential backoff with jitter: half of each wait is drawn. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { initialMs, maxMs, prng } = this.#options;
    const full = Math.min(maxMs, initialMs * 2 ** Math.min(this.#attempt++, 16));
    return full / 2 + prng.below(Math.ceil(full / 2));
  }

  /** Begins anew: the last attempt succeeded. */
  reset(): void {
    this.#attempt = 0;
  }
}
