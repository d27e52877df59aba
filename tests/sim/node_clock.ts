/** The clock of one node: runs ahead of or behind the world, and stands still with its node. */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Gate } from "./gate.ts";

/**
 * Milliseconds every timer is late, as timers of hosts are. It also keeps the rounding of a
 * clock that runs at an odd rate from letting a timer run before its time has come.
 */
const LATE_MS = 0.001;

export class NodeClock implements Clock {
  readonly #world: Clock;
  readonly #gate: Gate;
  #rate = 1;
  #offsetMs = 0;
  /** World time and own time at the last change of the rate. */
  #since: { readonly worldMs: number; readonly ownMs: number };

  constructor(world: Clock, gate: Gate) {
    this.#world = world;
    this.#gate = gate;
    this.#since = { worldMs: world.now(), ownMs: world.now() };
  }

  /**
   * @param rate Own milliseconds per millisecond of the world
   * @param offsetMs What the wall clock shows too much
   */
  set(rate: number, offsetMs: number): void {
    this.#since = { worldMs: this.#world.now(), ownMs: this.now() };
    this.#rate = rate;
    this.#offsetMs = offsetMs;
  }

  now(): number {
    const { worldMs, ownMs } = this.#since;
    return ownMs + (this.#world.now() - worldMs) * this.#rate;
  }

  wallTime(): number {
    return this.#world.wallTime() + Math.floor(this.now() - this.#world.now()) + this.#offsetMs;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    let cancelled = false;
    const run = () => {
      if (!cancelled) callback();
    };
    const timer = this.#world.setTimer(
      () => this.#gate.pass(run),
      Math.max(0, delayMs) / this.#rate + LATE_MS,
    );
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  afterTurn(callback: () => void): void {
    this.#world.afterTurn(() => this.#gate.pass(callback));
  }
}
