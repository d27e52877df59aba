/** Tells the log when the controllers have been silent for longer than an election or a restart takes. */
import type { KvError } from "../../rpc/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";

/** Milliseconds that controllers may be silent without a word in the log. */
const PATIENCE_MS = 10_000;
/** Milliseconds before a silence that lasts is told again. */
const TELL_AGAIN_MS = 30_000;

export interface ControllerSilenceOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ControllerSilence {
  readonly #options: ControllerSilenceOptions;
  #since = -Infinity;
  #askedAt = -Infinity;
  #toldAt = -Infinity;

  constructor(options: ControllerSilenceOptions) {
    this.#options = options;
  }

  /** Nobody has answered, once more. */
  note(error: KvError): void {
    const { clock, logger } = this.#options;
    const now = clock.now();
    // Who is silent is asked again within seconds: after a longer pause somebody was there meanwhile.
    if (now - this.#askedAt > PATIENCE_MS) this.#since = now;
    this.#askedAt = now;
    if (now - this.#since < PATIENCE_MS || now - this.#toldAt < TELL_AGAIN_MS) return;
    this.#toldAt = now;
    logger.warn("No controller answers", { code: error.code, error: error.message });
  }
}
