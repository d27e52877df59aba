/** What comes of one seed, in a form that passes from thread to thread. */
import { classOf, describeFailure, type FailureClass } from "../../tests/sim/failure.ts";
import { LinearizabilityViolation } from "../../tests/sim/linearizable.ts";
import type { Profile } from "../../tests/sim/options.ts";
import { drawOptions } from "../../tests/sim/options.ts";
import { simulate } from "../../tests/sim/simulation.ts";
import type { Figures } from "../../tests/sim/statistics.ts";

export interface SeedFailure {
  /** An HTML page that shows what went wrong. */
  readonly timeline: string | undefined;
  readonly class: FailureClass;
  readonly text: string;
}

export interface SeedReport {
  readonly seed: number;
  readonly hash: string;
  readonly figures: Figures;
  readonly failure: SeedFailure | undefined;
  /** Real time. */
  readonly elapsedMs: number;
}

/** Runs one seed in this thread. */
export async function runSeed(
  seed: number,
  profile: Profile,
  trace?: (line: string) => void,
): Promise<SeedReport> {
  const startedAt = performance.now();
  const { hash, figures, failure } = await simulate(drawOptions(seed, profile), { trace });
  return {
    seed,
    hash,
    figures,
    failure: failure === undefined ? undefined : {
      class: classOf(failure),
      text: describeFailure(failure),
      timeline: failure instanceof LinearizabilityViolation ? failure.timeline : undefined,
    },
    elapsedMs: performance.now() - startedAt,
  };
}
