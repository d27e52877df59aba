/**
 * Time as a port: the real one for servers, a virtual one for the simulator.
 * Nothing outside this file reads the host's clock or sets its timers.
 */

/** Longest delay of a timer, in milliseconds; hosts run at once what has a longer one. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** A timer that was set. */
export interface Timer {
  /** Takes the timer back; does nothing once it has run. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds that never go back, from an arbitrary start; may be fractional. */
  now(): number;
  /** Milliseconds since the Unix epoch; may jump either way. */
  wallTime(): number;
  /** Runs `callback` once after `delayMs`, at most {@linkcode TIMER_MS_MAX}. */
  setTimer(callback: () => void, delayMs: number): Timer;
  /**
   * Runs `callback` once everything that this turn of the event loop has set in
   * motion is done, messages handed to the system included. Cannot be taken
   * back. Not for pages: browsers have nothing of the kind.
   */
  afterTurn(callback: () => void): void;
}

/** The host's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer(callback, delayMs) {
    const id = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(id) };
  },
  afterTurn: (callback) => void setImmediate(callback),
};

/**
 * Waits for `ms`.
 *
 * @throws The signal's reason once it is aborted
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
