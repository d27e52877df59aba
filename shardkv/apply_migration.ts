/** A shard's way from its last owner to this group, or from this group to its next owner. */
import { isSessionRecord } from "../raft/node/session_record.ts";
import type { InsertChunk, ShardRecord, ShardStep } from "../proto/gen/shardkv.ts";
import type { Write } from "../storage/engine.ts";
import type { StepOutcome } from "./commands.ts";
import type { GroupState } from "./group_state.ts";
import { clientOf, recordKey, SESSION_KEY_BYTES, SESSION_KIND, USER_KIND } from "./machine_keys.ts";
import type { Shard } from "./shard_record.ts";

/**
 * Gainer: takes in the records that follow the shard's cursor. With the last
 * chunk the shard is served.
 *
 * @param writes Where the records go
 */
export function applyInsert(state: GroupState, chunk: InsertChunk, writes: Write[]): StepOutcome {
  const early = tooEarlyOrLate(state, chunk);
  if (early !== undefined) return early;
  const shard = state.shards.get(chunk.shard);
  if (shard === undefined || shard.status !== "Pulling") return "already";
  // A repetition of a chunk that is here already, or one that skips some.
  if (!chunk.cursorBefore.equals(shard.cursor)) return "already";
  if (!chunk.records.every(isRecord)) return "refused";
  for (const record of chunk.records) insertRecord(state, shard, record, writes);
  shard.cursor = chunk.done ? new Uint8Array() : new Uint8Array(chunk.cursorAfter);
  if (chunk.done) shard.status = "GCing";
  state.changed.shards.add(shard);
  if (chunk.done) state.version++;
  return "done";
}

/** Source: the shard is committed at its next owner; forgets it. */
export function applyDrop(state: GroupState, step: ShardStep): StepOutcome {
  const early = tooEarlyOrLate(state, step);
  if (early !== undefined) return early;
  const shard = state.shards.get(step.shard);
  if (shard === undefined) return "already";
  if (shard.status !== "BePulling") return "refused";
  const stay = { shard: shard.shard, incarnation: shard.incarnation };
  state.shards.delete(step.shard);
  state.garbage.push(stay);
  state.changed.dropped.push(stay);
  state.version++;
  return "done";
}

/** Gainer: the source has forgotten the shard; nothing of the move is left to do. */
export function applySettle(state: GroupState, step: ShardStep): StepOutcome {
  const early = tooEarlyOrLate(state, step);
  if (early !== undefined) return early;
  const shard = state.shards.get(step.shard);
  if (shard?.status === "Serving") return "already";
  if (shard?.status !== "GCing") return "refused";
  shard.status = "Serving";
  state.changed.shards.add(shard);
  state.version++;
  return "done";
}

/**
 * Steps are fenced by the number of the configuration they belong to. One of
 * an earlier configuration has taken effect: the group left that configuration
 * only after it.
 */
function tooEarlyOrLate(
  state: GroupState,
  step: { readonly configNum: number },
): StepOutcome | undefined {
  if (step.configNum < state.config.num) return "already";
  return step.configNum > state.config.num ? "notReady" : undefined;
}

function isRecord({ key, value }: ShardRecord): boolean {
  if (key[0] === SESSION_KIND) return key.length === SESSION_KEY_BYTES && isSessionRecord(value);
  return key[0] === USER_KIND && key.length > 1;
}

function insertRecord(
  state: GroupState,
  shard: Shard,
  { key, value }: ShardRecord,
  writes: Write[],
): void {
  if (key[0] === SESSION_KIND) {
    shard.sessions.adopt(clientOf(key), value, state.timeMs);
    return;
  }
  shard.keys++;
  shard.bytes += key.length - 1 + value.length;
  writes.push({ type: "put", key: recordKey(shard, key), value });
}
