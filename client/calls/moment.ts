/**
 * When something happened, by both of a client's clocks. While a machine is
 * suspended its monotonic clock stands still, and servers' time goes on: only the
 * wall clock tells of it afterwards.
 */
import type { Clock } from "../../runtime/clock.ts";

/** Milliseconds on either clock. */
export interface Moment {
  readonly steady: number;
  readonly wall: number;
}

/** The present moment. */
export function momentOf(clock: Clock): Moment {
  return { steady: clock.now(), wall: clock.wallTime() };
}

/**
 * How long ago a moment was, in milliseconds: never less than it is, whichever of
 * the clocks stood still or was set back. A wall clock that was set forward makes it
 * more, which costs a write that is under way its retries and no more.
 */
export function ageOf(then: Moment, now: Moment): number {
  return Math.max(now.steady - then.steady, now.wall - then.wall);
}
