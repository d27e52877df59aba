/** Has the core send what it holds back (raft/replication/vanguard.ts), a little later. */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { RawNode } from "../raw_node.ts";

/**
 * How long entries and commits that nobody waits for are held back: long enough
 * for several rounds of a busy group to travel together, or for the next entry
 * of a client that writes again and again; short against an election timeout,
 * and bearable for a client when a member of the vanguard stops answering.
 */
export const HOLD_MS = 4;

export interface HeldMessagesOptions {
  readonly core: RawNode;
  readonly clock: Clock;
  /** There are messages to take from the core. */
  readonly wake: () => void;
}

export class HeldMessages {
  readonly #options: HeldMessagesOptions;
  #timer: Timer | undefined;

  constructor(options: HeldMessagesOptions) {
    this.#options = options;
  }

  /** To be called after rounds were taken: sees to it that nothing is held back for good. */
  watch(): void {
    const { core, clock, wake } = this.#options;
    if (!core.holdsBack) return;
    this.#timer ??= clock.setTimer(() => {
      this.#timer = undefined;
      core.sendHeld();
      wake();
    }, HOLD_MS);
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
