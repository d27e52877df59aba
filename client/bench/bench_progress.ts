/** A bar that fills up while a benchmark runs, for whoever watches a terminal. */
import type { Clock, Timer } from "../../runtime/clock.ts";

/** Milliseconds between two looks: smooth for the eye, nothing for the processor. */
const REDRAW_MS = 200;
/** Characters of the bar between its brackets. */
const BAR_WIDTH = 30;
/** Back to the start of the line, and the line wiped. */
const WIPE = "\r\x1b[2K";

export interface ProgressBarOptions {
  readonly clock: Clock;
  readonly write: (text: string) => void;
  /** Requests to come, all in all; undefined: only time ends them. */
  readonly requests: number | undefined;
  readonly durationMs: number | undefined;
  /** Requests that have ended. */
  readonly done: () => number;
}

/** Draws from its creation to `close`. */
export class ProgressBar {
  readonly #options: ProgressBarOptions;
  readonly #start: number;
  #timer: Timer | undefined;

  constructor(options: ProgressBarOptions) {
    this.#options = options;
    this.#start = options.clock.now();
    this.#draw();
  }

  /** Wipes the bar. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#options.write(WIPE);
  }

  #draw(): void {
    const { clock, write, requests, durationMs, done } = this.#options;
    const elapsedMs = clock.now() - this.#start;
    write(WIPE + progressLine({ done: done(), elapsedMs, requests, durationMs }));
    this.#timer = clock.setTimer(() => this.#draw(), REDRAW_MS);
  }
}

export interface Progress {
  readonly done: number;
  readonly elapsedMs: number;
  readonly requests: number | undefined;
  readonly durationMs: number | undefined;
}

/** One line without its end: bar, per cent, requests, requests per second. */
export function progressLine({ done, elapsedMs, requests, durationMs }: Progress): string {
  const parts = [
    requests === undefined ? 0 : done / requests,
    durationMs === undefined ? 0 : elapsedMs / durationMs,
  ];
  // Whatever comes first ends the run.
  const part = Math.min(1, Math.max(...parts));
  const filled = Math.floor(part * BAR_WIDTH);
  const bar = "#".repeat(filled) + ".".repeat(BAR_WIDTH - filled);
  const percent = String(Math.floor(part * 100)).padStart(3);
  const goal = requests === undefined ? "" : `/${requests}`;
  const rate = elapsedMs === 0 ? 0 : Math.round(done / (elapsedMs / 1_000));
  return `[${bar}] ${percent} %  ${done}${goal} requests  ${rate} req/s`;
}
