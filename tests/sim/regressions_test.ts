/** Seeds that once failed, each with the bug it found. They are played as they were, on today's code. */
import { describeFailure } from "./failure.ts";
import type { SimOptions } from "./options.ts";
import { simulate } from "./simulation.ts";

async function replay(options: SimOptions): Promise<void> {
  const { failure } = await simulate(options);
  if (failure !== undefined) throw new Error(describeFailure(failure));
}

/** One small group without faults, to which a regression adds what it needs. */
function quietGroup(seed: number): SimOptions {
  return {
    seed,
    profile: "lite",
    cluster: {
      controllers: 1,
      groups: 1,
      replicas: 1,
      shards: 1,
      tickMs: 100,
      raft: {},
      leaseReads: false,
      retainedEntriesMax: 100,
      retainedBytesMax: 1 << 20,
    },
    links: {
      latencyMinMs: 5,
      latencyMaxMs: 30,
      breakOdds: 0,
      keepaliveMs: 200,
      dropChance: 0,
      repeatChance: 0,
      lateChance: 0,
      lateMaxMs: 0,
      callRepeatChance: 0,
      callLateMaxMs: 0,
    },
    disk: { syncMinMs: 1, syncMaxMs: 5, writeMaxMs: 1, slowReadOdds: 0 },
    nemesis: {
      periodMs: 100,
      weights: {},
      durationMaxMs: 2_000,
      wallOffsetMaxMs: 0,
      clockRateMax: 1,
      desertionPeriodMs: 0,
    },
    workload: {
      clients: 4,
      keys: 1,
      valueBytes: 10,
      thinkMaxMs: 20,
      timeoutMaxMs: 5_000,
      operations: [["log", 1]],
      renewOdds: 100,
      adminPeriodMs: 0,
      memberPeriodMs: 0,
    },
    faultPhaseMs: 10_000,
    recoveryMaxMs: 60_000,
    chunkBytes: 1 << 19,
  };
}

/** Connections that break all the time, and clocks that jump by hours. */
function jumpingClocks(seed: number): SimOptions {
  const options = quietGroup(seed);
  return {
    ...options,
    links: { ...options.links, breakOdds: 30 },
    nemesis: { ...options.nemesis, weights: { clock: 1 }, wallOffsetMaxMs: 6 * 3_600_000 },
  };
}

Deno.test("A wall clock that jumps by hours expires no session of a write that is sent again", async () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) await replay(jumpingClocks(seed));
});
