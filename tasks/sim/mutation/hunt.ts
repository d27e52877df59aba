/**
 * Runs seeds until one fails, and prints what it found as JSON: what is started
 * in a copy of the source that has a bug in it. Arguments: first seed, seeds at
 * most, profile.
 */
import { type Profile, PROFILES } from "../../../tests/sim/options.ts";
import { runSeeds } from "../pool.ts";

/** What came of a hunt. */
export interface Hunt {
  /** Seeds that were run, the failed one included. */
  readonly seeds: number;
  /** Undefined if every seed passed. */
  readonly caught: { readonly seed: number; readonly text: string } | undefined;
}

export async function hunt(first: number, runs: number, profile: Profile): Promise<Hunt> {
  let next = first;
  const takeNext = () => next < first + runs ? next++ : undefined;
  let seeds = 0;
  for await (const { seed, failure } of runSeeds({ profile, jobs: 1, next: takeNext })) {
    seeds++;
    if (failure !== undefined) return { seeds, caught: { seed, text: failure.text } };
  }
  return { seeds, caught: undefined };
}

if (import.meta.main) {
  const [first = "1", runs = "200", name = "swarm"] = Deno.args;
  const profile = PROFILES.find((known) => known === name) ?? "swarm";
  const found = await hunt(Number(first), Number(runs), profile);
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(found)));
  // A thread that hangs in a bug must not keep the process.
  Deno.exit(0);
}
