/**
 * A node on an empty disk waits until all first members of its group know it (why:
 * peer_registry.ts).
 */
import type { Clock, Timer } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { PeerRegistry } from "./peer_registry.ts";
import { memberOf, type Roster } from "./roster.ts";

/** Milliseconds between two reminders that a new group waits for its members. */
const REMINDER_MS = 10_000;

export interface FirstMeetingOptions {
  readonly registry: PeerRegistry;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class FirstMeeting {
  readonly #options: FirstMeetingOptions;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(options: FirstMeetingOptions) {
    this.#options = options;
  }

  /** Calls back once nobody is missing, at once if nobody is. */
  start(onMet: () => void): void {
    const { registry } = this.#options;
    if (registry.missing.length === 0) return onMet();
    this.#remind();
    void registry.complete.then(() => {
      if (this.#isOver) return;
      this.end();
      onMet();
    });
  }

  /** Waits no more. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #remind(): void {
    const { registry, roster, clock, logger } = this.#options;
    this.#timer = clock.setTimer(() => {
      const nodes = registry.missing.map((id) => `${id - 1} at ${memberOf(roster, id)?.address}`);
      logger.warn("Waits to meet the other first members of the group", {
        nodes: nodes.join(", "),
      });
      this.#remind();
    }, REMINDER_MS);
  }
}
