/** The deadlines of many calls behind a single timer. */
import type { Clock, Timer } from "../../runtime/clock.ts";
import { invariant } from "../../runtime/invariant.ts";
import type { PendingCall } from "./pending_call.ts";

/** Calls with equal timeouts, hence in the order of their deadlines. */
interface Lane {
  first: PendingCall | undefined;
  last: PendingCall | undefined;
}

export interface DeadlinesOptions {
  readonly clock: Clock;
  /** Told of every call whose time is up; it is no longer held by then. */
  readonly onExpired: (call: PendingCall) => void;
}

/**
 * Holds every pending call. Calls with the same timeout expire in the order in
 * which they came, so one linked list per timeout is always sorted, and adding and
 * removing a call takes the same time however many there are.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #onExpired: (call: PendingCall) => void;
  /** By timeout in milliseconds. Invariant: no lane is empty, but for the one used last. */
  readonly #lanes = new Map<number, Lane>();
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #size = 0;

  constructor(options: DeadlinesOptions) {
    this.#clock = options.clock;
    this.#onExpired = options.onExpired;
  }

  get size(): number {
    return this.#size;
  }

  /** Gives the call `timeoutMs` from now on. */
  add(call: PendingCall, timeoutMs: number): void {
    call.timeoutMs = timeoutMs;
    call.deadline = this.#clock.now() + timeoutMs;
    const lane = this.#lane(timeoutMs);
    call.earlier = lane.last;
    if (lane.last === undefined) lane.first = call;
    else lane.last.later = call;
    lane.last = call;
    this.#size++;
    if (call.deadline < this.#timerAt) this.#arm(call.deadline);
  }

  /**
   * Leaves the timer as it is: letting it find nothing costs less than setting it
   * anew for each call.
   */
  remove(call: PendingCall): void {
    const lane = this.#lanes.get(call.timeoutMs);
    invariant(lane !== undefined, "A call that has a deadline stands in a lane");
    if (call.earlier === undefined) lane.first = call.later;
    else call.earlier.later = call.later;
    if (call.later === undefined) lane.last = call.earlier;
    else call.later.earlier = call.earlier;
    call.earlier = undefined;
    call.later = undefined;
    this.#size--;
    if (lane.first === undefined && this.#lanes.size > 1) this.#lanes.delete(call.timeoutMs);
  }

  /** Every call, for the end of all of them: each must be removed before the next is asked for. */
  *calls(): Iterable<PendingCall> {
    for (const lane of [...this.#lanes.values()]) {
      while (lane.first !== undefined) yield lane.first;
    }
  }

  /** Takes the timer back. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lane(timeoutMs: number): Lane {
    const known = this.#lanes.get(timeoutMs);
    if (known !== undefined) return known;
    const lane: Lane = { first: undefined, last: undefined };
    this.#lanes.set(timeoutMs, lane);
    return lane;
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.setTimer(() => this.#sweep(), Math.max(0, at - this.#clock.now()));
  }

  #sweep(): void {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = this.#clock.now();
    let next = Infinity;
    for (const lane of [...this.#lanes.values()]) {
      while (lane.first !== undefined && lane.first.deadline <= now) {
        const call = lane.first;
        this.remove(call);
        this.#onExpired(call);
      }
      if (lane.first !== undefined) next = Math.min(next, lane.first.deadline);
    }
    if (next < this.#timerAt) this.#arm(next);
  }
}
