/**
 * Disks that lie, are lost, or are full. A replica whose disk was damaged must
 * say so and not start, or get well by itself; one that has lost it must not
 * count. Either way it is replaced by a new member, as an operator does.
 */
import { NotReadyError } from "../../../tasks/cluster/node_process.ts";
import { until } from "../../../tasks/cluster/deadline.ts";
import type { Nemesis, Stage } from "../nemesis.ts";
import { whyNoTmpfs } from "../tmpfs.ts";
import { flipBit, tearOff } from "../file_damage.ts";
import { compareReplicas } from "../replicas.ts";

const HELD_MS_MIN = 1_500;
const HELD_MS_MAX = 4_000;
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
  lacks: whyNoTmpfs,
  strike: async (stage) => {
    const { cluster } = stage;
    const gid = stage.anyGid();
    const label = stage.draw.oneIn(2) ? await stage.leaderOf(gid) : await stage.followerOf(gid);
    const disk = await cluster.moveToSmallDisk(label);
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
      await cluster.kill([label]);
      await cluster.leaveSmallDisk(label);
      cluster.endExcuse(label);
      await cluster.start([label]);
    };
  },
};

export const disks: readonly Nemesis[] = [torn, flipped, wiped, full];
