/** The calls of one group that wait for a place in a batch. */
import type { PendingCall } from "./pending_call.ts";

/** Settled calls that may stand in the queue before they are swept out. */
const SETTLED_MAX = 1_024;

/**
 * A queue whose front takes back what has to be sent again. Writes that kept their
 * sequence numbers come before all other calls, whenever they came: those may have
 * to wait for numbers until these are answered.
 */
export class CallQueue {
  readonly #numbered = new Line();
  readonly #others = new Line();

  /** Calls in the queue, the settled ones included. */
  get length(): number {
    return this.#numbered.length + this.#others.length;
  }

  push(call: PendingCall): void {
    if (hasNumber(call)) this.#numbered.push(call);
    else this.#others.push(call);
  }

  /** The next call that still waits; undefined if there is none. Drops settled ones on its way. */
  peek(): PendingCall | undefined {
    return this.#numbered.peek() ?? this.#others.peek();
  }

  /** Takes the call that `peek` gave. */
  shift(): void {
    if (this.#numbered.length > 0) this.#numbered.shift();
    else this.#others.shift();
  }

  /** Puts calls that were sent in vain back before those like them, in their order. */
  requeue(calls: readonly PendingCall[]): void {
    const waiting = calls.filter((call) => !call.settled);
    this.#numbered.putBefore(waiting.filter(hasNumber));
    this.#others.putBefore(waiting.filter((call) => !hasNumber(call)));
  }

  /** Empties the queue. */
  takeAll(): PendingCall[] {
    return this.#numbered.takeAll().concat(this.#others.takeAll());
  }

  /** Frees settled calls deep inside the queue once they are many; for a queue that stands still. */
  sweep(): void {
    if (this.length < SETTLED_MAX) return;
    for (const line of [this.#numbered, this.#others]) line.putBefore(line.takeAll());
  }
}

function hasNumber(call: PendingCall): boolean {
  return call.sequence !== 0;
}

/** Calls that go first come, first served. */
class Line {
  /** Invariant: what lies before `#head` is gone. */
  #calls: PendingCall[] = [];
  #head = 0;

  get length(): number {
    return this.#calls.length - this.#head;
  }

  push(call: PendingCall): void {
    this.#calls.push(call);
  }

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

  shift(): void {
    this.#head++;
    // Half a thousand dead places cost less than moving the rest each time.
    if (this.#head >= 512 && this.#head * 2 >= this.#calls.length) {
      this.#calls.splice(0, this.#head);
      this.#head = 0;
    }
  }

  putBefore(calls: readonly PendingCall[]): void {
    if (calls.length === 0) return;
    this.#calls = calls.concat(this.#calls.slice(this.#head));
    this.#head = 0;
  }

  takeAll(): PendingCall[] {
    const all = this.#calls.slice(this.#head).filter((call) => !call.settled);
    this.#calls = [];
    this.#head = 0;
    return all;
  }
}
