/**
 * The client's half of exactly-once writes (Ongaro's thesis, 6.3): who the
 * client is, which sequence number comes next, and below which number every
 * write has been answered, so that servers may forget their replies.
 */
import { invariant } from "../../runtime/invariant.ts";

/**
 * Most sequence numbers between the oldest unanswered write and the next one.
 * Servers remember a reply for each of them, so one write that hangs must not
 * make them remember without end.
 */
export const SESSION_WINDOW_MAX = 262_144;

const RING_INITIAL = 1_024;

/** Hands out sequence numbers and keeps the lowest one that is still unanswered. */
export class Session {
  readonly clientId: string;
  readonly #windowMax: number;
  #next = 1;
  /** Invariant: every number below is answered, and `#lowest <= #next`. */
  #lowest = 1;
  /**
   * One flag a number in [#lowest, #next): 1 if answered. Length is a power of
   * two of at least `#next - #lowest`; flags outside that range are 0.
   */
  #answered = new Uint8Array(RING_INITIAL);
  /** Told once when the window is no longer full. */
  #waiting: (() => void)[] = [];

  /**
   * @param clientId A uint64 in decimal, other than "0" (which means no session)
   * @param windowMax See {@linkcode SESSION_WINDOW_MAX}
   */
  constructor(clientId: string, windowMax: number = SESSION_WINDOW_MAX) {
    invariant(/^[1-9]\d*$/.test(clientId), () => `A client id is a positive integer: ${clientId}`);
    this.clientId = clientId;
    this.#windowMax = windowMax;
  }

  /** Every number below this one has been answered. */
  get lowestUnanswered(): number {
    return this.#lowest;
  }

  /** The next sequence number, or undefined while the window is full. */
  issue(): number | undefined {
    const open = this.#next - this.#lowest;
    if (open >= this.#windowMax) return undefined;
    if (open === this.#answered.length) this.#grow();
    return this.#next++;
  }

  /** Runs `callback` once, when the next number can be had; for whoever was refused one. */
  whenOpen(callback: () => void): void {
    this.#waiting.push(callback);
  }

  /** Notes that the write was answered, or given up for good. Once a number, in any order. */
  answered(sequence: number): void {
    const flags = this.#answered;
    const mask = flags.length - 1;
    invariant(
      sequence >= this.#lowest && sequence < this.#next && flags[sequence & mask] === 0,
      () => `Sequence ${sequence} is not open in [${this.#lowest}, ${this.#next})`,
    );
    flags[sequence & mask] = 1;
    while (this.#lowest < this.#next && flags[this.#lowest & mask] === 1) {
      flags[this.#lowest & mask] = 0;
      this.#lowest++;
    }
    if (this.#waiting.length > 0 && this.#next - this.#lowest < this.#windowMax) this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
  }

  #grow(): void {
    const old = this.#answered;
    const grown = new Uint8Array(old.length * 2);
    for (let sequence = this.#lowest; sequence < this.#next; sequence++) {
      grown[sequence & (grown.length - 1)] = old[sequence & (old.length - 1)] as number;
    }
    this.#answered = grown;
  }
}
