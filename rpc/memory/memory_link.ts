/** One direction of one call of the memory carrier. */
import type { Clock, Timer } from "../../runtime/clock.ts";

export interface MemoryLinkOptions {
  readonly clock: Clock;
  /** Milliseconds the next message takes; 0: the next microtask; Infinity: it is lost. */
  readonly delayMs: () => number;
  /** Called once, when the first message is lost. */
  readonly onLost: () => void;
}

/**
 * Delivers in order, as a connection does: a message never overtakes an
 * earlier one, and nothing arrives after one that was lost.
 */
export class MemoryLink {
  readonly #options: MemoryLinkOptions;
  #lost = false;
  #queue: { readonly deliver: () => void; readonly timer: Timer }[] = [];
  #lastArrival = 0;

  constructor(options: MemoryLinkOptions) {
    this.#options = options;
  }

  /** Runs `deliver` at the other end when the message arrives. */
  carry(deliver: () => void): void {
    if (this.#lost) return;
    const { clock, delayMs, onLost } = this.#options;
    const delay = delayMs();
    if (delay === Infinity) {
      this.#lost = true;
      onLost();
      return;
    }
    if (delay <= 0 && this.#queue.length === 0) {
      queueMicrotask(deliver);
      return;
    }
    const now = clock.now();
    this.#lastArrival = Math.max(this.#lastArrival, now + delay);
    // Each timer delivers the oldest message, so the order holds even if the
    // clock fires two close timers the other way round.
    const timer = clock.setTimer(() => this.#queue.shift()?.deliver(), this.#lastArrival - now);
    this.#queue.push({ deliver, timer });
  }

  /** Forgets what is under way. */
  close(): void {
    this.#lost = true;
    for (const { timer } of this.#queue) timer.cancel();
    this.#queue = [];
  }
}
