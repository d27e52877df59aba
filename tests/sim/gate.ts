/** Holds a node still: what would wake it waits here until it may go on. */
import type { Clock } from "../../runtime/clock.ts";

export class Gate {
  readonly #clock: Clock;
  /** What waits, in order; undefined while the gate is open. */
  #held: (() => void)[] | undefined;

  /** @param clock Of the world outside, which goes on meanwhile */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isClosed(): boolean {
    return this.#held !== undefined;
  }

  close(): void {
    this.#held ??= [];
  }

  /** Lets what has waited go on, one after the other. */
  open(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const callback of held) this.#clock.setTimer(callback, 0);
  }

  /** Runs the callback now, or when the gate opens. */
  pass(callback: () => void): void {
    if (this.#held === undefined) callback();
    else this.#held.push(callback);
  }

  /** Resolves when the gate is open; undefined if it is. */
  wait(): Promise<void> | undefined {
    if (this.#held === undefined) return undefined;
    return new Promise((resolve) => this.#held?.push(resolve));
  }
}
