/** The calls of one group that wait for a place in a batch. */
import type { PendingCall } from "./pending_call.ts";

/** Settled calls that may stand in the queue before they are swept out. */
const SETTLED_MAX = 1_024;

/** A queue whose front takes back what has to be sent again. */
export class CallQueue {
  /** Invariant: what lies before `#head` is gone. */
  #calls: PendingCall[] = [];
  #head = 0;

  /** Calls in the queue, the settled ones included. */
  get length(): number {
    return this.#calls.length - this.#head;
  }

  push(call: PendingCall): void {
    this.#calls.push(call);
  }

  /** The next call that still waits; undefined if there is none. Drops settled ones on its way. */
  peek(): PendingCall | undefined {
    while (this.#head < this.#calls.length) {
      const call = this.#calls[this.#head];
      if (call !== undefined && !call.settled) return call;
      this.#head++;
    }
    this.#calls.length = 0;
    this.#head = 0;
    return undefined;
  }

  /** Takes the call that `peek` gave. */
  shift(): void {
    this.#head++;
    // Half a thousand dead places cost less than moving the rest each time.
    if (this.#head >= 512 && this.#head * 2 >= this.#calls.length) {
      this.#calls.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /**
   * Puts calls that were sent in vain back at the front, in their order. Those that
   * kept their sequence numbers come first: the others may have to wait for one
   * until these are answered.
   */
  requeue(calls: readonly PendingCall[]): void {
    const waiting = calls.filter((call) => !call.settled).concat(this.#calls.slice(this.#head));
    const hasNumber = (call: PendingCall) => call.sequence !== 0;
    this.#calls = waiting.filter(hasNumber).concat(waiting.filter((call) => !hasNumber(call)));
    this.#head = 0;
  }

  /** Empties the queue. */
  takeAll(): PendingCall[] {
    const all = this.#calls.slice(this.#head).filter((call) => !call.settled);
    this.#calls = [];
    this.#head = 0;
    return all;
  }

  /** Frees settled calls deep inside the queue once they are many; for a queue that stands still. */
  sweep(): void {
    if (this.length < SETTLED_MAX) return;
    this.#calls = this.takeAll();
  }
}
