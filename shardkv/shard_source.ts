/** The giving side of a move: records of shards that another group has gained. */
import type {
  DropShardRequest,
  PullShardRequest,
  PullShardResponse,
  ShardRecord,
  ShardStep,
} from "../proto/gen/shardkv.ts";
import { KvError } from "../rpc/errors.ts";
import { isForeign } from "../shardctrler/config.ts";
import { encodeDrop } from "./commands.ts";
import { type GroupLog, proposeStep } from "./group_log.ts";
import { CHUNK_BYTES_MAX, CHUNK_RECORDS_MAX } from "./limits.ts";
import type { ShardMachine } from "./machine.ts";
import { recordsAfter, relativeOf, type Stay } from "./machine_keys.ts";
import type { Ownership } from "./ownership.ts";

/** Records read at first; more with each read while they turn out small. */
const SLICE_RECORDS_MIN = 8;
/** Records read at once. */
const SLICE_RECORDS_MAX = 1_024;

/** Where the records of frozen shards are. */
export interface FrozenShards {
  readonly log: Pick<GroupLog, "reader">;
  readonly machine: ShardMachine;
}

export interface ShardSourceContext extends FrozenShards {
  readonly log: GroupLog;
}

/** Which records of which shard are wanted. */
export type ChunkRequest = Pick<PullShardRequest, "configNum" | "shard" | "cursor" | "bytesMax">;

/**
 * The records of a frozen shard that follow the cursor. They do not change
 * while the shard is frozen, so any replica that has frozen it may answer.
 *
 * @throws {KvError} NOT_READY if this replica is not yet in the configuration, REFUSED if the
 *   shard is not being given away in it (any more)
 */
export async function readChunk(
  { log, machine }: FrozenShards,
  { configNum, shard, cursor, bytesMax }: ChunkRequest,
): Promise<PullShardResponse> {
  const stay = frozenStay(machine.ownership, configNum, shard);
  const bytesWanted = Math.max(1, Math.min(bytesMax, CHUNK_BYTES_MAX));
  const { start, end } = recordsAfter(stay, cursor);
  const { records, done } = await readRecords(log, start, end, bytesWanted);
  // Once the shard is dropped its records are cleared: half of them are worth nothing.
  const after = frozenStay(machine.ownership, configNum, shard);
  if (after.incarnation !== stay.incarnation) throw notGiven(configNum, shard);
  return { records, cursor: records.at(-1)?.key ?? cursor, done };
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
 * Forgets a shard that its new owner has committed.
 *
 * @throws {KvError} NOT_LEADER, OVERLOADED, LEADERSHIP_LOST; NOT_READY, REFUSED as {@linkcode readChunk}
 */
export async function dropShard({ log }: ShardSourceContext, step: ShardStep): Promise<void> {
  const outcome = await proposeStep(log, encodeDrop(step));
  if (outcome === "notReady") throw notReady(step.configNum);
  if (outcome === "refused") throw notGiven(step.configNum, step.shard);
}

/** The stay of a shard that is being given away in exactly this configuration. */
export function frozenStay(ownership: Ownership, configNum: number, shard: number): Stay {
  if (ownership.config.num < configNum) throw notReady(configNum);
  const held = ownership.shards.get(shard);
  if (ownership.config.num > configNum || held?.status !== "BePulling") {
    throw notGiven(configNum, shard);
  }
  return held;
}

/** Reads until the bytes are reached; at least one record, if there is one. */
async function readRecords(
  { reader }: Pick<GroupLog, "reader">,
  first: Buffer,
  end: Buffer,
  bytesWanted: number,
): Promise<{ records: ShardRecord[]; done: boolean }> {
  const records: ShardRecord[] = [];
  let bytes = 0;
  let start = first;
  let limit = SLICE_RECORDS_MIN;
  for (;;) {
    const slice = await reader.scan(start, end, { limit });
    for (const pair of slice) {
      const key = relativeOf(pair.key);
      bytes += key.length + pair.value.length;
      const full = bytes > bytesWanted || records.length >= CHUNK_RECORDS_MAX;
      if (records.length > 0 && full) return { records, done: false };
      records.push({ key, value: pair.value });
    }
    const last = slice.at(-1);
    if (last === undefined || slice.length < limit) return { records, done: true };
    start = Buffer.concat([last.key, Buffer.of(0)]);
    // As many again as fit at the size seen so far, so that little is read in vain.
    const fitting = Math.ceil((bytesWanted - bytes) * records.length / Math.max(bytes, 1)) + 1;
    limit = Math.max(SLICE_RECORDS_MIN, Math.min(limit * 2, fitting, SLICE_RECORDS_MAX));
  }
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
