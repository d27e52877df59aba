/**
 * Disks that lie, are lost, are full, or hang. A replica whose disk was damaged
 * must say so and not start, or get well by itself; one that has lost it must not
 * count. Either way it is replaced by a new member, as an operator does. One
 * whose disk was full or hung goes on once that is over.
 */
import { NotReadyError } from "../../../tasks/cluster/node_process.ts";
import { until } from "../../../tasks/cluster/deadline.ts";
import type { Nemesis, Stage } from "../nemesis.ts";
import { flipBit, tearOff } from "../file_damage.ts";
import { HangingDisk, whyNoHangingDisk } from "../hanging_disk.ts";
import { compareReplicas } from "../replicas.ts";
import { SmallDisk, whyNoSmallDisk } from "../small_disk.ts";
import { tryToLead } from "./admin.ts";

const HELD_MS_MIN = 1_500;
const HELD_MS_MAX = 4_000;
/** From an election timeout, which a leader's followers need to find another. */
const HUNG_MS_MIN = 1_000;
const HUNG_MS_MAX = 4_000;
/** More than the election timeout for which a leader tries to hand over. */
const HAND_OVER_MS = 2_000;
const REFUSED_MS = 30_000;
/** What servers say of a disk that they do not trust, or RocksDB when it aborts (docs/operations.md). */
const REFUSAL =
  /files are damaged|write-ahead log|cannot open the journal|cannot trust|cannot read from the database|Assertion `.*' failed/i;
const FULL = /disk is full|No space left/;
const WIPED = /disk was wiped or replaced/;

/** A member of a group that is down, and without which nothing acknowledged is missing. */
async function takeDown(stage: Stage): Promise<string> {
  const { cluster, draw } = stage;
  const gid = draw.pick(cluster.gids);
  const label = draw.oneIn(2) ? await stage.leaderOf(gid) : await stage.followerOf(gid);
  await cluster.kill([label]);
  if (draw.oneIn(2)) {
    // A start moves what is in the log into tables.
    await cluster.start([label]);
    await cluster.kill([label]);
  }
  // What only this disk and one other hold must be on all others before it is tampered with.
  const others = cluster.labelsOf(gid).filter((other) => other !== label);
  await cluster.caughtUp(gid, others);
  return label;
}

/** Starts a node that may refuse to; tells whether it runs. */
async function startsOrRefuses(stage: Stage, label: string, refusal: RegExp): Promise<boolean> {
  const { cluster } = stage;
  cluster.excuse(label);
  try {
    await cluster.start([label]);
    return true;
  } catch (error) {
    if (error instanceof NotReadyError && refusal.test(error.message)) return false;
    throw error;
  }
}

function damage(
  name: string,
  about: string,
  harm: (stage: Stage, directory: string) => Promise<string>,
): Nemesis {
  return {
    name,
    about,
    combines: false,
    strike: async (stage) => {
      const { cluster } = stage;
      const label = await takeDown(stage);
      const what = await harm(stage, cluster.node(label).directory);
      const runs = await startsOrRefuses(stage, label, REFUSAL);
      stage.note(`${what} of ${label}: it ${runs ? "starts" : "refuses to start"}`);
      await stage.holdBetween(HELD_MS_MIN, HELD_MS_MAX);
      return () => replaceDamaged(stage, label, runs);
    },
  };
}

/**
 * Whoever knows of a damaged disk replaces it. Until then it must not have given out what is wrong.
 *
 * @param started It had not refused to start
 */
async function replaceDamaged({ cluster }: Stage, label: string, started: boolean): Promise<void> {
  const { gid } = cluster.node(label);
  if (cluster.isRunning(label)) await compareReplicas(cluster, gid);
  else if (started) {
    const said = cluster.lastWordsOf(label);
    if (!REFUSAL.test(said)) throw new Error(`${label} ended and said: ${said}`);
  }
  await cluster.replace(label);
}

const torn = damage(
  "torn-file",
  "a replica's journal, log, table or manifest has lost its end",
  ({ draw }, directory) => tearOff(directory, draw),
);

const flipped = damage(
  "flipped-bit",
  "a bit of a replica's journal, log, table or manifest has changed",
  ({ draw }, directory) => flipBit(directory, draw),
);

const wiped: Nemesis = {
  name: "wiped-disk",
  about: "a replica comes back on an empty disk under its old id",
  combines: false,
  strike: async (stage) => {
    const { cluster } = stage;
    const label = await takeDown(stage);
    for await (const { name } of Deno.readDir(cluster.node(label).directory)) {
      await Deno.remove(`${cluster.node(label).directory}/${name}`, { recursive: true });
    }
    await cluster.start([label]);
    const hasSaid = () =>
      cluster.processes.process(label)?.lastLines.some((line) => WIPED.test(line)) || undefined;
    await until(`${label} is not told that its disk was wiped`, REFUSED_MS, hasSaid);
    stage.note(`${label} has lost its disk and is refused`);
    await stage.holdBetween(HELD_MS_MIN, HELD_MS_MAX);
    return async () => void await cluster.replace(label);
  },
};

const full: Nemesis = {
  name: "disk-full",
  about: "the disk of a member has no room left",
  combines: false,
  lacks: whyNoSmallDisk,
  strike: async (stage) => {
    const { cluster } = stage;
    const gid = stage.anyGid();
    const label = stage.draw.oneIn(2) ? await stage.leaderOf(gid) : await stage.followerOf(gid);
    const disk = await cluster.moveToDisk(label, SmallDisk.mount);
    await cluster.caughtUp(gid, cluster.labelsOf(gid));
    cluster.excuse(label);
    await disk.fill();
    stage.note(`the disk of ${label} is full`);
    await stage.hold(HELD_MS_MAX);
    // Who ends because of it says so, and does not start until there is room.
    if (!cluster.isRunning(label)) {
      const said = cluster.lastWordsOf(label);
      if (!FULL.test(said)) throw new Error(`${label} ended with a full disk and said: ${said}`);
      const runs = await startsOrRefuses(stage, label, FULL);
      stage.note(`${label} has ended, and ${runs ? "starts all the same" : "does not start"}`);
    }
    return async () => {
      await disk.free();
      await cluster.leaveDisk(label);
    };
  },
};

async function isLeader(stage: Stage, label: string): Promise<boolean> {
  return await stage.leaderOf(stage.cluster.node(label).gid) === label;
}

/** Waits until a node leads to which leadership is being handed, or until that was given up. */
async function mayLead(stage: Stage, label: string): Promise<void> {
  const end = performance.now() + HAND_OVER_MS;
  while (performance.now() < end && !await isLeader(stage, label)) await stage.hold(50);
}

const hangs: Nemesis = {
  name: "disk-hangs",
  about: "the disk of a leader or follower answers nothing for 1 to 4 s, twice",
  combines: false,
  lacks: whyNoHangingDisk,
  strike: async (stage) => {
    const { cluster, draw } = stage;
    const gid = stage.anyGid();
    const label = draw.pick(cluster.labelsOf(gid));
    const disk = await cluster.moveToDisk(label, HangingDisk.mount);
    for (let i = 0; i < 2; i++) {
      await cluster.caughtUp(gid, cluster.labelsOf(gid));
      // Leaders first of all: clients, followers and reads wait for them.
      if (!draw.oneIn(3) && await tryToLead(stage, label)) await mayLead(stage, label);
      const role = await isLeader(stage, label) ? "leads" : "follows";
      stage.note(`the disk of ${label} hangs, which ${role}`);
      await disk.hang(draw.between(HUNG_MS_MIN, HUNG_MS_MAX));
    }
    return () => cluster.leaveDisk(label);
  },
};

export const disks: readonly Nemesis[] = [torn, flipped, wiped, full, hangs];
