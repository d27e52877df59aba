/** The giving side of a move: records of shards that another group has gained. */
import type {
  DropShardRequest,
  PullShardRequest,
  PullShardResponse,
  ShardStep,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { isForeign } from "../../shardctrler/configuration/config.ts";
import { type GroupLog, proposeStep } from "../group_log.ts";
import { CHUNK_BYTES_MAX } from "../limits.ts";
import { encodeDrop, encodeFreeze } from "../machine/commands.ts";
import { CHANGE_KIND, isChangeCursor } from "../machine/machine_keys.ts";
import type { ShardMachine } from "../machine/machine.ts";
import type { HeldShard, Ownership } from "../machine/ownership.ts";
import { isGiven } from "../machine/shard_status.ts";
import { readChanges, readRecords } from "./shard_reader.ts";

/** Where the records of shards are that another group has gained. */
export interface GivenShards {
  readonly log: Pick<GroupLog, "reader" | "readBarrier">;
  readonly machine: ShardMachine;
}

export interface ShardSourceContext extends GivenShards {
  readonly log: GroupLog;
}

/** Which records of which shard are wanted. */
export type ChunkRequest = Pick<PullShardRequest, "configNum" | "shard" | "cursor" | "bytesMax">;

/**
 * What follows the cursor in a shard that is given away (shard_reader.ts). Any
 * replica that is in the configuration may give records; changes come from the
 * leader until the shard is frozen, and then from any replica that has frozen
 * it. Only that can say that it is all there will be.
 *
 * @throws {KvError} NOT_READY if this replica is not yet in the configuration, REFUSED if the
 *   shard is not being given away in it (any more), INVALID_ARGUMENT if the cursor is none;
 *   NOT_LEADER, UNAVAILABLE, OVERLOADED if changes are asked for that it cannot be sure of
 */
export async function readChunk(
  { log, machine }: GivenShards,
  { configNum, shard, cursor, bytesMax }: ChunkRequest,
): Promise<PullShardResponse> {
  checkCursor(cursor);
  const isCatchUp = isChangeCursor(cursor);
  const isLive = givenShard(machine.ownership, configNum, shard).status === "Leaving";
  // A replica that is behind would call what it lacks little. The leader can slow writers down.
  if (isCatchUp && isLive) await log.readBarrier("onLeader");
  const stay = givenShard(machine.ownership, configNum, shard);
  const { reader } = log;
  const { generation } = reader;
  const bytesWanted = Math.max(1, Math.min(bytesMax, CHUNK_BYTES_MAX));
  const chunk = isCatchUp
    ? await readChanges(reader, stay, cursor, bytesWanted)
    : await readRecords(reader, stay, cursor, bytesWanted);
  // Once the shard is dropped its records are cleared: half of them are worth nothing.
  const after = givenShard(machine.ownership, configNum, shard);
  if (after.incarnation !== stay.incarnation) throw notGiven(configNum, shard);
  if (reader.generation !== generation) throw replaced(shard);
  const figures = machine.figuresOf(shard);
  return {
    ...chunk,
    // Frozen before the read: what the read has not seen does not exist.
    done: isCatchUp && chunk.ended && stay.status === "BePulling",
    keysTotal: figures?.keys ?? 0,
    bytesTotal: figures?.bytes ?? 0,
    changes: figures?.changes ?? 0,
  };
}

/**
 * Whether the request comes from the group that gains the shard. Another store
 * may number its configurations and its groups alike, and have this group's
 * addresses by mistake.
 *
 * @throws {KvError} REFUSED if it does not; NOT_READY if this replica cannot tell yet
 */
export function checkGainer(
  { config, previous }: Pick<Ownership, "config" | "previous">,
  { storeId, gid, configNum, shard }: DropShardRequest,
): void {
  if (isForeign(config.storeId, storeId)) {
    throw new KvError(
      "REFUSED",
      `Cannot give shard ${shard} to group ${gid} of store ${storeId}: ` +
        `this group is of store ${config.storeId}`,
    );
  }
  if (configNum > config.num) throw notReady(configNum);
  const named = [config, previous].find(({ num }) => num === configNum);
  const owner = named?.shards[shard];
  if (owner === undefined || owner === gid) return;
  throw new KvError(
    "REFUSED",
    `Cannot give shard ${shard} to group ${gid}: it is group ${owner}'s in configuration ${configNum}`,
  );
}

/**
 * Ends the time in which the shard is served here although it is another group's.
 *
 * @throws {KvError} NOT_LEADER, OVERLOADED, LEADERSHIP_LOST; NOT_READY, REFUSED as {@linkcode readChunk}
 */
export async function freezeShard({ log }: ShardSourceContext, step: ShardStep): Promise<void> {
  const outcome = await proposeStep(log, encodeFreeze(step));
  if (outcome === "notReady") throw notReady(step.configNum);
  if (outcome === "refused") throw notGiven(step.configNum, step.shard);
}

/**
 * Forgets a shard that its new owner has committed.
 *
 * @throws {KvError} NOT_LEADER, OVERLOADED, LEADERSHIP_LOST; NOT_READY, REFUSED as {@linkcode readChunk}
 */
export async function dropShard({ log }: ShardSourceContext, step: ShardStep): Promise<void> {
  const outcome = await proposeStep(log, encodeDrop(step));
  if (outcome === "notReady") throw notReady(step.configNum);
  if (outcome === "refused") throw notGiven(step.configNum, step.shard);
}

/** A shard that is being given away in exactly this configuration. */
export function givenShard(ownership: Ownership, configNum: number, shard: number): HeldShard {
  if (ownership.config.num < configNum) throw notReady(configNum);
  const held = ownership.shards.get(shard);
  if (ownership.config.num > configNum || held === undefined || !isGiven(held.status)) {
    throw notGiven(configNum, shard);
  }
  return held;
}

function checkCursor(cursor: Buffer): void {
  if (cursor[0] !== CHANGE_KIND || isChangeCursor(cursor)) return;
  throw new KvError(
    "INVALID_ARGUMENT",
    `Cannot go on behind cursor ${cursor.toString("hex")}: it is no number of a change`,
  );
}

function replaced(shard: number): KvError {
  return new KvError(
    "NOT_READY",
    `Cannot give records of shard ${shard}: a snapshot has replaced them meanwhile`,
  );
}

function notReady(configNum: number): KvError {
  return new KvError(
    "NOT_READY",
    `Cannot give a shard away in configuration ${configNum}: this group is not in it yet`,
  );
}

function notGiven(configNum: number, shard: number): KvError {
  return new KvError(
    "REFUSED",
    `Cannot give shard ${shard} away in configuration ${configNum}: it is not, or no more, ` +
      "being handed over there",
  );
}
