/** Everything about a run that its seed decides beforehand. */
import type { RaftConfig } from "../../raft/config.ts";
import { Draw } from "./draw.ts";
import { createPrng } from "../../runtime/prng.ts";

/**
 * `swarm` draws everything anew for each seed; `lite` is small, quick and mild;
 * `members` changes the members of one group all the time, while they crash and
 * hardly keep any log, so that changes, snapshots and restarts meet.
 */
export type Profile = "swarm" | "lite" | "members";

export const PROFILES: readonly Profile[] = ["swarm", "lite", "members"];

/** What happens to single Raft messages, each with its own luck. */
export interface RaftLinkOptions {
  readonly dropChance: number;
  readonly repeatChance: number;
  readonly lateChance: number;
  readonly lateMaxMs: number;
}

/** What happens to calls from one group to another. */
export interface LateCallOptions {
  /** How likely one is to arrive once more. */
  readonly callRepeatChance: number;
  /** How much later, at most. */
  readonly callLateMaxMs: number;
}

export interface LinkOptions extends RaftLinkOptions, LateCallOptions {
  readonly latencyMinMs: number;
  readonly latencyMaxMs: number;
  /** One message in so many breaks its connection; 0: none. */
  readonly breakOdds: number;
  /** From the first lost message of a connection until both ends notice. */
  readonly keepaliveMs: number;
}

export interface DiskOptions {
  readonly syncMinMs: number;
  readonly syncMaxMs: number;
  readonly writeMaxMs: number;
  /** One read in so many takes as long as a sync. */
  readonly slowReadOdds: number;
}

export type FaultKind =
  | "crash"
  | "group crash"
  | "crash at event"
  | "restart"
  | "pause"
  | "partition"
  | "stranded leader"
  | "one-way cut"
  | "clogged link"
  | "slow disk"
  | "clock"
  | "wiped disk";

/**
 * How fast clocks run at most where leases rely on them, and 1 / how slowly: the
 * fastest and the slowest differ by less than a tenth.
 */
export const LEASE_CLOCK_RATE_MAX = 1.048;

export interface NemesisOptions {
  /** Mean time between two faults. */
  readonly periodMs: number;
  /** How often each kind comes, relative to the others; a kind that is missing never comes. */
  readonly weights: Readonly<Partial<Record<FaultKind, number>>>;
  /** Longest time a node is down, paused, cut off, slow or wrong about the time. */
  readonly durationMaxMs: number;
  /** Clocks run at a rate from 1 / `clockRateMax` to `clockRateMax`. */
  readonly clockRateMax: number;
  /** Wall clocks are wrong by at most so much, either way. */
  readonly wallOffsetMaxMs: number;
  /** Mean time between two leaders that are deserted, beside all other faults; 0: none. */
  readonly desertionPeriodMs: number;
}

export type OperationWeight = readonly [name: WorkloadOperation, weight: number];

export type WorkloadOperation =
  | "get"
  | "put"
  | "append"
  | "delete"
  | "cas"
  | "getMany"
  | "putMany"
  | "scan"
  | "log"
  /** A read that is sent to one replica, whichever it is, and answered by it. */
  | "getAnywhere";

export interface WorkloadOptions {
  readonly clients: number;
  /** Shared keys, all clients' alike. */
  readonly keys: number;
  /** Bytes a value is filled up to. */
  readonly valueBytes: number;
  /** Longest pause of a client between two calls. */
  readonly thinkMaxMs: number;
  /** Longest time a call may take. */
  readonly timeoutMaxMs: number;
  readonly operations: readonly OperationWeight[];
  /** One call in so many is the last of its clerk: the next is made by a new one. */
  readonly renewOdds: number;
  /** Mean time between two changes of the configuration; 0: none. */
  readonly adminPeriodMs: number;
  /** Mean time between two changes of members or leaders; 0: none. */
  readonly memberPeriodMs: number;
}

export interface ClusterOptions {
  readonly controllers: number;
  readonly groups: number;
  /** Of each group. */
  readonly replicas: number;
  readonly shards: number;
  readonly tickMs: number;
  readonly raft: Partial<Omit<RaftConfig, "id" | "leaseMs">>;
  readonly leaseReads: boolean;
  readonly retainedEntriesMax: number;
  readonly retainedBytesMax: number;
}

export interface SimOptions {
  readonly seed: number;
  readonly profile: Profile;
  readonly cluster: ClusterOptions;
  readonly links: LinkOptions;
  readonly disk: DiskOptions;
  readonly nemesis: NemesisOptions;
  readonly workload: WorkloadOptions;
  /** Length of the phase with faults. */
  readonly faultPhaseMs: number;
  /** Bytes that a group asks for at a time when it fetches a shard. */
  readonly chunkBytes: number;
  /** Virtual time the healed system has until everything is well. */
  readonly recoveryMaxMs: number;
}

/** The options of a seed, always the same ones. */
export function drawOptions(seed: number, profile: Profile): SimOptions {
  const draw = new Draw(createPrng(seed));
  switch (profile) {
    case "lite":
      return liteOptions(seed, draw);
    case "members":
      return membersOptions(swarmOptions(seed, draw), draw);
    case "swarm":
      return swarmOptions(seed, draw);
  }
}

function membersOptions(swarm: SimOptions, draw: Draw): SimOptions {
  const { cluster, nemesis, workload } = swarm;
  return {
    ...swarm,
    profile: "members",
    cluster: {
      ...cluster,
      controllers: 1,
      groups: 1,
      shards: draw.between(1, 2),
      replicas: draw.weighted([[1, 1], [2, 1], [3, 2], [4, 1]]),
      retainedEntriesMax: draw.between(1, 4),
    },
    nemesis: {
      ...nemesis,
      periodMs: draw.magnitude(150, 2_500),
      weights: {
        "crash at event": 6,
        crash: 3,
        "group crash": 1,
        restart: 2,
        partition: 2,
        "stranded leader": 2,
        ...(draw.oneIn(2) && { "slow disk": 1, "one-way cut": 1, pause: 1 }),
        ...(draw.oneIn(4) && { "wiped disk": 2 }),
      },
    },
    workload: {
      ...workload,
      adminPeriodMs: 0,
      memberPeriodMs: draw.magnitude(100, 700),
      valueBytes: draw.pick([12, 200]),
    },
    faultPhaseMs: 20_000,
  };
}

function liteOptions(seed: number, draw: Draw): SimOptions {
  return {
    seed,
    profile: "lite",
    cluster: {
      controllers: 1,
      groups: 2,
      replicas: 3,
      shards: 4,
      tickMs: 100,
      raft: {},
      leaseReads: false,
      retainedEntriesMax: draw.pick([3, 30]),
      retainedBytesMax: 1 << 20,
    },
    links: {
      latencyMinMs: 0.2,
      latencyMaxMs: 2,
      breakOdds: 2_000,
      keepaliveMs: 1_000,
      dropChance: 0.01,
      repeatChance: 0.01,
      lateChance: 0.01,
      lateMaxMs: 100,
      callRepeatChance: 0.05,
      callLateMaxMs: 2_000,
    },
    disk: { syncMinMs: 0.5, syncMaxMs: 2, writeMaxMs: 1, slowReadOdds: 0 },
    nemesis: {
      periodMs: 2_000,
      weights: { crash: 1, "crash at event": 2, restart: 1, partition: 1, pause: 1, clock: 1 },
      durationMaxMs: 2_000,
      clockRateMax: 1.1,
      wallOffsetMaxMs: 60_000,
      desertionPeriodMs: 0,
    },
    workload: {
      clients: 3,
      keys: 4,
      valueBytes: 16,
      thinkMaxMs: 100,
      timeoutMaxMs: 5_000,
      operations: everyOperation(() => 1),
      renewOdds: 30,
      adminPeriodMs: 3_000,
      memberPeriodMs: 3_000,
    },
    faultPhaseMs: 8_000,
    recoveryMaxMs: 60_000,
    chunkBytes: draw.pick([64, 1 << 20]),
  };
}

function swarmOptions(seed: number, draw: Draw): SimOptions {
  const cluster = swarmCluster(draw);
  return {
    seed,
    profile: "swarm",
    cluster,
    links: swarmLinks(draw),
    disk: swarmDisk(draw),
    nemesis: swarmNemesis(draw, cluster),
    workload: swarmWorkload(draw),
    faultPhaseMs: draw.between(6, 16) * 1_000,
    recoveryMaxMs: 120_000,
    // Small chunks leave much to be written while a shard is copied.
    chunkBytes: draw.magnitude(1, 256 << 10),
  };
}

function swarmCluster(draw: Draw): ClusterOptions {
  const electionTicks = draw.between(5, 15);
  return {
    controllers: draw.weighted([[1, 2], [2, 1], [3, 3]]),
    groups: draw.between(1, 3),
    replicas: draw.weighted([[1, 1], [2, 2], [3, 6], [4, 1], [5, 2]]),
    shards: draw.pick([1, 2, 5, 10]),
    tickMs: draw.pick([20, 50, 100]),
    raft: {
      electionTicks,
      heartbeatTicks: draw.between(1, Math.min(3, electionTicks - 3)),
      appendBytesMax: draw.magnitude(64, 1 << 20),
      inflightMessagesMax: draw.magnitude(1, 256),
      inflightBytesMax: draw.magnitude(256, 16 << 20),
      uncommittedBytesMax: draw.magnitude(1_024, 64 << 20),
      applyBytesMax: draw.magnitude(64, 8 << 20),
    },
    leaseReads: draw.oneIn(4),
    // With nothing retained whoever falls behind gets a snapshot, even for a single entry.
    retainedEntriesMax: draw.oneIn(4) ? 1 : draw.magnitude(1, 200),
    retainedBytesMax: draw.magnitude(1_000, 1 << 20),
  };
}

function swarmLinks(draw: Draw): LinkOptions {
  const latencyMinMs = draw.magnitude(1, 20) / 10;
  return {
    latencyMinMs,
    latencyMaxMs: latencyMinMs + draw.magnitude(1, 300) / 10,
    breakOdds: draw.oneIn(4) ? 0 : draw.magnitude(30, 20_000),
    keepaliveMs: draw.magnitude(200, 2_000),
    dropChance: draw.oneIn(3) ? 0 : draw.fraction() * draw.fraction() * 0.3,
    repeatChance: draw.oneIn(3) ? 0 : draw.fraction() * draw.fraction() * 0.5,
    lateChance: draw.oneIn(3) ? 0 : draw.fraction() * draw.fraction() * 0.3,
    lateMaxMs: draw.magnitude(10, 5_000),
    callRepeatChance: draw.oneIn(3) ? 0 : draw.fraction(),
    callLateMaxMs: draw.magnitude(10, 10_000),
  };
}

function swarmDisk(draw: Draw): DiskOptions {
  const syncMinMs = draw.magnitude(1, 50) / 10;
  return {
    syncMinMs,
    syncMaxMs: syncMinMs + draw.magnitude(1, 200) / 10,
    writeMaxMs: draw.magnitude(1, 50) / 10,
    slowReadOdds: draw.oneIn(2) ? 0 : draw.magnitude(2, 500),
  };
}

const SWARM_FAULTS: readonly FaultKind[] = [
  "crash",
  "group crash",
  "crash at event",
  "restart",
  "pause",
  "partition",
  "stranded leader",
  "one-way cut",
  "clogged link",
  "slow disk",
  "clock",
  "wiped disk",
];

function swarmNemesis(draw: Draw, cluster: ClusterOptions): NemesisOptions {
  const { tickMs, raft, leaseReads } = cluster;
  const weights: Partial<Record<FaultKind, number>> = {};
  for (const kind of SWARM_FAULTS) {
    if (draw.between(1, 3) > 1) weights[kind] = draw.between(1, 4);
  }
  // What it is there for needs several things to meet.
  if (weights["stranded leader"] !== undefined) weights["stranded leader"] *= 4;
  if (Object.keys(weights).length === 0) weights.crash = 1;
  return {
    periodMs: draw.magnitude(300, 4_000),
    weights,
    // Some faults are over before anybody notices, others outlast several elections.
    durationMaxMs: draw.magnitude(1, 8) * tickMs * (raft.electionTicks ?? 10),
    clockRateMax: 1 +
      draw.fraction() * (leaseReads ? LEASE_CLOCK_RATE_MAX - 1 : draw.pick([0.1, 0.5, 2])),
    wallOffsetMaxMs: draw.pick([1_000, 60_000, 3 * 3_600_000]),
    // Not drawn: seeds without leases stay as they were.
    desertionPeriodMs: leaseReads ? 500 : 0,
  };
}

function swarmWorkload(draw: Draw): WorkloadOptions {
  const clients = draw.between(1, 6);
  return {
    clients,
    keys: draw.magnitude(1, 12),
    valueBytes: draw.weighted([[12, 8], [200, 4], [3_000, 2], [60_000, 1]]),
    // All clients together ask for some fifty to some hundred things a second.
    thinkMaxMs: clients * draw.magnitude(20, 150),
    timeoutMaxMs: draw.magnitude(500, 10_000),
    operations: everyOperation(() => draw.between(0, 4)),
    renewOdds: draw.magnitude(3, 200),
    adminPeriodMs: draw.oneIn(6) ? 0 : draw.magnitude(500, 8_000),
    memberPeriodMs: draw.oneIn(2) ? 0 : draw.magnitude(300, 5_000),
  };
}

/** All operations with a weight each; writes and reads of single keys are never missing. */
function everyOperation(weight: () => number): OperationWeight[] {
  return [
    ["get", 1 + weight()],
    ["put", 1 + weight()],
    ["append", weight()],
    ["delete", weight()],
    ["cas", weight()],
    ["getMany", weight()],
    ["putMany", weight()],
    ["scan", weight()],
    ["log", 1 + weight()],
    // Not drawn: whatever else a seed draws stays as it was.
    ["getAnywhere", 2],
  ];
}
