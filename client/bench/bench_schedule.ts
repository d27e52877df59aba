/** When the requests of a benchmark are due: as soon as a caller is free, or at a fixed rate. */
import type { Clock, Timer } from "../../runtime/clock.ts";

export interface Schedule {
  /** Requests of all callers together; Infinity if only time ends them. */
  readonly requests: number;
  /**
   * Waits until the caller may send its next request.
   *
   * @param client Number of the caller, from 0
   * @returns When the request was due, on the schedule's clock; undefined: there is no other
   */
  next(client: number): number | undefined | Promise<number | undefined>;
  /** No further request is due, for those who wait for one either. */
  end(): void;
}

export interface ClosedLoopOptions {
  readonly clock: Clock;
  readonly clients: number;
  /** Requests of all callers together; Infinity for no end. */
  readonly requests: number;
  /** Milliseconds from now after which no request begins; Infinity for no end. */
  readonly durationMs: number;
}

/**
 * Each caller sends its next request once it has the answer to the one before,
 * as eRaft's benchmark does: every caller has an equal share of the requests.
 */
export class ClosedLoop implements Schedule {
  readonly requests: number;
  readonly #clock: Clock;
  #end: number;
  /** Requests left to each caller. */
  readonly #left: number[];

  constructor({ clock, clients, requests, durationMs }: ClosedLoopOptions) {
    this.requests = requests;
    this.#clock = clock;
    this.#end = clock.now() + durationMs;
    const share = Math.floor(requests / clients);
    this.#left = Array.from(
      { length: clients },
      (_, client) => share + (client < requests % clients ? 1 : 0),
    );
  }

  next(client: number): number | undefined {
    const left = this.#left[client] ?? 0;
    const now = this.#clock.now();
    if (left === 0 || now >= this.#end) return undefined;
    this.#left[client] = left - 1;
    return now;
  }

  end(): void {
    this.#end = -Infinity;
  }
}

export interface OpenLoopOptions {
  readonly clock: Clock;
  readonly requests: number;
  readonly ratePerSecond: number;
}

/**
 * Requests are due at a fixed rate, whether answers come or not, and whichever
 * caller is free sends the next. One that is late because all callers wait
 * counts from when it was due: a server that stands still cannot hide it by
 * being asked less often.
 */
export class OpenLoop implements Schedule {
  readonly requests: number;
  readonly #clock: Clock;
  readonly #start: number;
  readonly #intervalMs: number;
  /** Requests that callers have taken. */
  #taken = 0;
  /** Free callers, each with when its request is due; the earliest first. */
  readonly #waiting: { readonly due: number; readonly wake: (due?: number) => void }[] = [];
  #timer: Timer | undefined;
  #isOver = false;

  constructor({ clock, requests, ratePerSecond }: OpenLoopOptions) {
    this.#clock = clock;
    this.#start = clock.now();
    this.requests = requests;
    this.#intervalMs = 1_000 / ratePerSecond;
  }

  next(): number | undefined | Promise<number | undefined> {
    if (this.#isOver || this.#taken >= this.requests) return undefined;
    const due = this.#start + this.#taken++ * this.#intervalMs;
    if (due <= this.#clock.now()) return due;
    return new Promise((wake) => {
      this.#waiting.push({ due, wake });
      if (this.#waiting.length === 1) this.#arm(due);
    });
  }

  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    for (const { wake } of this.#waiting.splice(0)) wake();
  }

  /** One timer for all: it may ring late, and then wakes everybody who is due. */
  #arm(due: number): void {
    this.#timer = this.#clock.setTimer(() => this.#wakeDue(), Math.max(0, due - this.#clock.now()));
  }

  #wakeDue(): void {
    const now = this.#clock.now();
    const waiting = this.#waiting;
    const behind = waiting.findIndex(({ due }) => due > now);
    for (const { due, wake } of waiting.splice(0, behind < 0 ? waiting.length : behind)) wake(due);
    const next = waiting[0];
    if (next !== undefined) this.#arm(next.due);
  }
}
