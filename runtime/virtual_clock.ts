/** Time that passes only when told to: for tests and the simulator. */
import { setImmediate } from "node:timers";
import type { Clock, Timer } from "./clock.ts";

interface Alarm extends Timer {
  readonly dueMs: number;
  /** Order of setting, which decides between alarms due at the same time. */
  readonly order: number;
  /** Undefined once it has run or was cancelled. */
  callback: (() => void) | undefined;
}

export class VirtualClock implements Clock {
  readonly #startWallTimeMs: number;
  #nowMs = 0;
  #suspendedMs = 0;
  #lastOrder = 0;
  /** A binary heap, the next alarm first; cancelled ones stay until their turn comes. */
  readonly #heap: Alarm[] = [];
  #pending = 0;

  /** @param startWallTimeMs What the wall clock shows at virtual time 0 */
  constructor(startWallTimeMs = 1_700_000_000_000) {
    this.#startWallTimeMs = startWallTimeMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wallTime(): number {
    return this.#startWallTimeMs + Math.floor(this.#nowMs + this.#suspendedMs);
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const alarm: Alarm = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      order: ++this.#lastOrder,
      callback,
      cancel: () => {
        if (alarm.callback === undefined) return;
        alarm.callback = undefined;
        this.#pending--;
      },
    };
    this.#pending++;
    siftUp(this.#heap, alarm);
    return alarm;
  }

  /** Behind the microtasks that wait already; time stands still until then. */
  afterTurn(callback: () => void): void {
    queueMicrotask(callback);
  }

  /** As if the machine had been suspended for `ms`: the wall clock alone has gone on. */
  suspend(ms: number): void {
    this.#suspendedMs += ms;
  }

  /** Number of timers that are set. */
  get pending(): number {
    return this.#pending;
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
      const { callback } = alarm;
      alarm.cancel();
      callback?.();
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

  /** Takes the next alarm that is due by `endMs` off the heap. */
  #next(endMs: number): Alarm | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.callback !== undefined && first.dueMs > endMs) return undefined;
      removeFirst(this.#heap);
      if (first.callback !== undefined) return first;
    }
    return undefined;
  }
}

function isBefore(a: Alarm, b: Alarm): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function siftUp(heap: Alarm[], alarm: Alarm): void {
  let hole = heap.length;
  for (;;) {
    const parentAt = (hole - 1) >> 1;
    const parent = heap[parentAt];
    if (hole === 0 || parent === undefined || isBefore(parent, alarm)) break;
    heap[hole] = parent;
    hole = parentAt;
  }
  heap[hole] = alarm;
}

function removeFirst(heap: Alarm[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let hole = 0;
  for (;;) {
    const left = 2 * hole + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    if (a === undefined) break;
    const childAt = b !== undefined && isBefore(b, a) ? left + 1 : left;
    const child = childAt === left ? a : b;
    if (child === undefined || isBefore(last, child)) break;
    heap[hole] = child;
    hole = childAt;
  }
  heap[hole] = last;
}

/** Lets every promise that can go on go on: a task of the host runs only once no microtask is left. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
