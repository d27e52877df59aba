/** How long to wait before another attempt, and for how long attempts may go on. */
import type { Prng } from "../runtime/prng.ts";

/**
 * Milliseconds of log time after which servers forget an idle session: a write that was sent before
 * must not come again later.
 */
export const SESSION_TTL_MS = 3_600_000;

/** Bounds of the waits, in milliseconds. */
export interface BackoffBounds {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** For calls: the first wait is below an election, the longest finds a new leader soon. */
const CALL_BOUNDS: BackoffBounds = { initialMs: 10, maxMs: 250 };

/**
 * Doubles with each attempt up to the longest wait; half of it is drawn, so
 * that callers who failed together do not return together (Brooker,
 * "Exponential Backoff And Jitter", 2015).
 *
 * @param attempt 0 for the first wait
 * @returns Milliseconds
 */
export function backoffMs(attempt: number, prng: Prng, bounds = CALL_BOUNDS): number {
  const full = Math.min(bounds.maxMs, bounds.initialMs * 2 ** Math.min(attempt, 16));
  return full / 2 + prng.below(Math.ceil(full / 2));
}
