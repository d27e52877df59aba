/**
 * The time that leaders write into their entries, in milliseconds. It continues
 * from the time the log has reached, and advances with the monotonic clock. A wall
 * clock would not do: set an hour ahead, it would make every session look idle and
 * expire, and a write that is sent again would take effect twice.
 */
import type { Clock } from "../../../runtime/clock.ts";

export class LogTime {
  readonly #clock: Clock;
  #logMs = 0;
  #atMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.now();
  }

  /**
   * This node begins to lead with a log that has come to this time. It counts on
   * from there: what it has counted while others led may be hours ahead of
   * them, if they started from a log that nobody had written to for so long.
   */
  lead(logMs: number): void {
    this.#logMs = logMs;
    this.#atMs = this.#clock.now();
  }

  /** The log has come to this time, here or under another leader. */
  observe(logMs: number): void {
    if (logMs <= this.now()) return;
    this.#logMs = logMs;
    this.#atMs = this.#clock.now();
  }

  /** Whole milliseconds that the leaders of the group have counted so far. */
  now(): number {
    return Math.floor(this.#logMs + this.#clock.now() - this.#atMs);
  }
}
