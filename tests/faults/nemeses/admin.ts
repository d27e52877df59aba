/** Operators who do not let a cluster rest. */
import { KvError } from "../../../rpc/errors.ts";
import { CONTROLLERS_GID } from "../../../shardctrler/configuration/config.ts";
import type { Nemesis, Stage } from "../nemesis.ts";

/** Changes of one storm. */
const CHANGES = 8;
const BETWEEN_CHANGES_MS = 700;
const TRANSFERS = 6;
const TRANSFER_EVERY_MS = 1_000;
/** Long enough that a call under another fault may fail, and the storm goes on. */
const TRANSFER_TIMEOUT_MS = 2_000;

const storm: Nemesis = {
  name: "storm",
  about: `${CHANGES} joins, leaves and moves that do not wait for one another`,
  load: "appends",
  strike: async (stage) => {
    const changes: string[] = [];
    for (let i = 0; i < CHANGES; i++) {
      const done = await unlessRefused(() => change(stage));
      if (done !== undefined) changes.push(done);
      await stage.holdBetween(0, BETWEEN_CHANGES_MS);
    }
    if (changes.length > 0) stage.note(changes.join(", "));
  },
};

/** One join, leave or move that makes sense in the latest configuration. */
async function change({ cluster, draw }: Stage): Promise<string> {
  const { clerk } = cluster;
  const config = await clerk.query();
  const present = [...config.groups.keys()];
  const absent = cluster.gids.filter((gid) => !config.groups.has(gid));
  const kind = draw.pick(["join", "leave", "move"]);
  if (kind !== "move" && absent.length > 0) {
    await clerk.join(new Map(absent.map((gid) => [gid, cluster.addressesOf(gid)])));
    return `join ${absent.join()}`;
  }
  if (kind !== "move" && present.length > 1) {
    const gid = draw.pick(present);
    await clerk.leave([gid]);
    return `leave ${gid}`;
  }
  const shard = draw.prng.below(config.shards.length);
  const gid = draw.pick(present);
  await clerk.move(shard, gid);
  return `move ${shard} to ${gid}`;
}

const transfer: Nemesis = {
  name: "transfer",
  about: "every group and the controllers change their leader each second",
  strike: async (stage) => {
    for (let i = 0; i < TRANSFERS; i++) {
      await Promise.all(
        [CONTROLLERS_GID, ...stage.cluster.gids].map((gid) => handOver(stage, gid)),
      );
      await stage.hold(TRANSFER_EVERY_MS);
    }
  },
};

async function handOver(stage: Stage, gid: number): Promise<void> {
  const heir = await stage.followerOf(gid);
  if (await tryToLead(stage, heir)) stage.note(`transfer to ${heir}`);
}

/** Has a node lead its group, or the controllers; tells whether that was possible. */
export async function tryToLead({ cluster }: Stage, label: string): Promise<boolean> {
  const { gid, id } = cluster.node(label);
  const clerk = cluster.memberClerk(gid, TRANSFER_TIMEOUT_MS);
  try {
    return await unlessRefused(() => clerk.transfer(id)) !== undefined;
  } finally {
    clerk.close();
  }
}

/** What came of a change; undefined if it was refused, or took too long under another fault. */
async function unlessRefused<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof KvError) return undefined;
    throw error;
  }
}

export const admin: readonly Nemesis[] = [storm, transfer];
