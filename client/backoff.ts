/** How long to wait before another attempt. */
import type { Prng } from "../runtime/prng.ts";

/** First wait in milliseconds; below an election, above a round trip. */
export const backoffMsMin = 10;
/** Longest wait in milliseconds: a new leader is found this soon after it stands. */
export const backoffMsMax = 250;

/**
 * Doubles from {@linkcode backoffMsMin} to {@linkcode backoffMsMax}; the half
 * of it is drawn, so that clients that failed together do not return together.
 *
 * @param attempt 0 for the first wait
 */
export function backoffMs(attempt: number, prng: Prng): number {
  const full = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(attempt, 16));
  return full / 2 + prng.below(Math.ceil(full / 2));
}
