/** Seeds that once failed, each with the bug it found. They are played as they were, on today's code. */
import { describeFailure } from "./failure.ts";
import { drawOptions, type SimOptions } from "./options.ts";
import { simulate } from "./simulation.ts";

async function replay(options: SimOptions): Promise<void> {
  const { failure } = await simulate(options);
  if (failure !== undefined) throw new Error(describeFailure(failure));
}

/** Only appends of single clients, connections that break all the time, clocks that jump by hours. */
function jumpingClocks(seed: number): SimOptions {
  const options = drawOptions(seed, "swarm");
  return {
    ...options,
    links: { ...options.links, breakOdds: 60, keepaliveMs: 200 },
    workload: { ...options.workload, adminPeriodMs: 0, clients: 3, operations: [["log", 1]] },
    nemesis: {
      periodMs: 100,
      weights: { clock: 1 },
      durationMaxMs: 2_000,
      wallOffsetMaxMs: 6 * 3_600_000,
      clockRateMax: 1.1,
    },
  };
}

Deno.test("A wall clock that jumps by hours expires no session of a write that is sent again", async () => {
  for (const seed of [2, 4, 9]) await replay(jumpingClocks(seed));
});
