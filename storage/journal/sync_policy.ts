/**
 * Where to wait until the disk has a record: on the event loop, or beside it on
 * another thread. The way to a thread and back takes as long as the sync of a
 * quick disk, and on a busy machine waits for a processor twice. But nothing else
 * happens while the event loop waits, so that a slow disk is waited for beside it.
 */

/** Takes less than this with a disk that is worth waiting for, unless something gets in between. */
const QUICK_MS = 0.5;
/** Slow syncs in a row that take as long together are not by chance. */
const SLOW_MS_MAX = 100;
/** The disk gets its next chance so late that such runs take a hundredth of the event loop's time at most. */
const REST_FACTOR = 100;
/** More than this takes its time on any disk. */
const BYTES_MAX = 256 << 10;

/** Decides where to wait for each sync. */
export interface SyncPolicy {
  /**
   * Whether to wait on the event loop.
   *
   * @param bytes What is to be written
   * @param nowMs Milliseconds that never go back
   */
  isOnLoop(bytes: number, nowMs: number): boolean;
  /** A sync on the event loop took `ms`, and ended at `nowMs`. */
  took(ms: number, nowMs: number): void;
}

/** Waits on the event loop while the disk is quick. */
export class AdaptiveSyncPolicy implements SyncPolicy {
  /** What the slow syncs since the last quick one have taken. */
  #slowMs = 0;
  #restsUntilMs = -Infinity;

  isOnLoop(bytes: number, nowMs: number): boolean {
    return bytes <= BYTES_MAX && nowMs >= this.#restsUntilMs;
  }

  took(ms: number, nowMs: number): void {
    if (ms < QUICK_MS) {
      this.#slowMs = 0;
      return;
    }
    this.#slowMs += ms;
    if (this.#slowMs < SLOW_MS_MAX) return;
    this.#restsUntilMs = nowMs + REST_FACTOR * this.#slowMs;
    this.#slowMs = 0;
  }
}
