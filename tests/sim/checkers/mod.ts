/** The judges of a simulated run. They share no code with what they judge. */
import type { Observer } from "../observation.ts";

/** New checkers for one run, each with a memory of its own. */
export function createCheckers(): Observer[] {
  return [];
}
