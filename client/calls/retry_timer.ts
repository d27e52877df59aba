/** Calls that wait before they look for their group again, behind few timers. */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { PendingCall } from "./pending_call.ts";

/** Calls whose waits end within the same slot of this many milliseconds share a timer. */
const SLOT_MS = 8;

interface Slot {
  readonly calls: PendingCall[];
  readonly timer: Timer;
}

export class RetryTimer {
  readonly #clock: Clock;
  readonly #onDue: (call: PendingCall) => void;
  /** By the slot's number; as many as the longest wait has slots. */
  readonly #slots = new Map<number, Slot>();

  /** @param onDue Told of every call whose wait is over */
  constructor(clock: Clock, onDue: (call: PendingCall) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Holds the calls for `delayMs` or a little longer. */
  add(calls: readonly PendingCall[], delayMs: number): void {
    const now = this.#clock.now();
    const number = Math.ceil((now + delayMs) / SLOT_MS);
    const slot = this.#slots.get(number);
    if (slot !== undefined) {
      for (const call of calls) slot.calls.push(call);
      return;
    }
    const timer = this.#clock.setTimer(() => this.#release(number), number * SLOT_MS - now);
    this.#slots.set(number, { calls: [...calls], timer });
  }

  close(): void {
    for (const slot of this.#slots.values()) slot.timer.cancel();
    this.#slots.clear();
  }

  #release(number: number): void {
    const slot = this.#slots.get(number);
    this.#slots.delete(number);
    for (const call of slot?.calls ?? []) {
      if (!call.settled) this.#onDue(call);
    }
  }
}
