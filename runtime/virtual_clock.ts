/** Time that passes only when told to: for tests and the simulator. */
import { setImmediate } from "node:timers";
import type { Clock, Timer } from "./clock.ts";

interface Alarm extends Timer {
  readonly dueMs: number;
  /** Order of setting, which decides between alarms due at the same time. */
  readonly order: number;
  readonly callback: () => void;
}

export class VirtualClock implements Clock {
  readonly #startWallTimeMs: number;
  #nowMs = 0;
  #lastOrder = 0;
  #alarms: Alarm[] = [];

  /** @param startWallTimeMs What the wall clock shows at virtual time 0 */
  constructor(startWallTimeMs = 1_700_000_000_000) {
    this.#startWallTimeMs = startWallTimeMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wallTime(): number {
    return this.#startWallTimeMs + Math.floor(this.#nowMs);
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const order = ++this.#lastOrder;
    const alarm: Alarm = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      order,
      callback,
      cancel: () => {
        this.#alarms = this.#alarms.filter((other) => other !== alarm);
      },
    };
    this.#alarms.push(alarm);
    return alarm;
  }

  /** Number of timers that are set. */
  get pending(): number {
    return this.#alarms.length;
  }

  /**
   * Lets `ms` pass: timers run when they are due, and everything that follows
   * from one through promises is done before the next.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let alarm = this.#next(endMs); alarm !== undefined; alarm = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, alarm.dueMs);
      alarm.cancel();
      alarm.callback();
      await settle();
    }
    this.#nowMs = endMs;
  }

  /**
   * Lets time pass in steps until a condition holds.
   *
   * @throws {Error} If it does not hold after `limitMs`
   */
  async advanceUntil(condition: () => boolean, limitMs: number, stepMs = 10): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    while (!condition()) {
      if (this.#nowMs >= endMs) {
        throw new Error(`The condition does not hold after ${limitMs} ms of virtual time`);
      }
      await this.advance(stepMs);
    }
  }

  /** Resolves with the promise's value, letting time pass until it is settled. */
  async resolve<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => {});
    await this.advanceUntil(() => settled, limitMs);
    return await done;
  }

  #next(endMs: number): Alarm | undefined {
    let next: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.dueMs > endMs) continue;
      if (
        next === undefined || alarm.dueMs < next.dueMs ||
        (alarm.dueMs === next.dueMs && alarm.order < next.order)
      ) next = alarm;
    }
    return next;
  }
}

/** Lets every promise that can go on go on: a task of the host runs only once no microtask is left. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
