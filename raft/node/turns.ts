/**
 * When a node's loop runs: with every tick, and soon after anything has
 * happened. What happens during one callback of the event loop is handled in
 * one turn, so that messages, proposals and reads that come together share it.
 */
import type { Clock, Timer } from "../../runtime/clock.ts";

export interface TurnsOptions {
  readonly clock: Clock;
  /** Milliseconds of one tick. */
  readonly tickMs: number;
  /** Handles whatever has come in, and the ticks since the last turn; no tick is ever dropped. */
  readonly onTurn: (ticks: number) => void;
  /** A tick has come, this many milliseconds after it was due. */
  readonly onTick: (lateMs: number) => void;
  /** A turn has thrown. */
  readonly onFatal: (error: unknown) => void;
}

export class Turns {
  readonly #options: TurnsOptions;
  /** Since the last turn. */
  #ticks = 0;
  #timer: Timer | undefined;
  #isScheduled = false;
  #stopped = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Begins to tick, and has the first turn run. */
  start(): void {
    this.#scheduleTick();
    this.wake();
  }

  /** Has a turn run once the present callback is done, unless one is to come anyway. */
  wake(): void {
    if (this.#isScheduled || this.#stopped) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.#stopped) this.#run();
    });
  }

  /** No tick and no turn comes after this. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #run(): void {
    const { onTurn, onFatal } = this.#options;
    const ticks = this.#ticks;
    this.#ticks = 0;
    try {
      onTurn(ticks);
    } catch (error) {
      onFatal(error);
    }
  }

  #scheduleTick(): void {
    const { clock, tickMs, onTick } = this.#options;
    const dueAt = clock.now() + tickMs;
    this.#timer = clock.setTimer(() => {
      onTick(clock.now() - dueAt);
      this.#ticks++;
      this.#scheduleTick();
      this.wake();
    }, tickMs);
  }
}
