/**
 * Where in a move a test may step in (runtime/failpoint.ts). A hook gets the
 * group that passes there, to choose one.
 */
import { failpoint } from "../../runtime/failpoint.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";

/** Every failpoint of a move, in the order of the steps, and what has happened and not happened there. */
export const MOVE_FAILPOINTS = {
  "move/beforePull": "Gainer: the next records or changes are about to be asked for",
  "move/afterPull": "Gainer: they have come, nothing of them is proposed",
  "move/afterInsert": "Gainer: a chunk is committed",
  "move/beforeFreeze": "Gainer: the source is about to be asked to serve the shard no longer",
  "move/afterFreeze": "Gainer: the source serves it no longer, its last changes are not proposed",
  "move/beforeDrop": "Gainer: it serves the shard, the source is about to be told to forget it",
  "move/afterDrop": "Gainer: the source has forgotten it, that is not settled in the own log",
} as const;

export type MoveFailpoint = keyof typeof MOVE_FAILPOINTS;

/** Passes a failpoint. */
export async function passMove(name: MoveFailpoint, gid: Gid): Promise<void> {
  const stop = failpoint(name, gid);
  if (stop !== undefined) await stop;
}
