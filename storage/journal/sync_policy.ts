/**
 * Where to wait until the disk has synced a record: on the event loop, or on
 * another thread beside it. Handing the sync to a thread and back takes as long as
 * the sync of a quick disk itself, and on a busy machine waits for a processor
 * twice. But nothing else happens while the event loop waits, so a slow disk is
 * waited for on the thread.
 */

/** A quick disk syncs in less than this many milliseconds, unless something gets in between. */
const QUICK_MS = 0.5;
/**
 * If slow syncs in a row take this many milliseconds together, the disk is slow,
 * and not only by chance.
 */
const SLOW_MS_MAX = 100;
/**
 * A slow disk is tried again after this many times what those syncs took, so that
 * they cost the event loop a hundredth of its time at most.
 */
const REST_FACTOR = 100;
/** Writing more bytes than this takes long on any disk. */
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
