/**
 * The steps by which a shard moves from its last owner to this group, or from this
 * group to its next owner.
 */
import type { InsertChunk, ShardRecord, ShardStep } from "../../proto/gen/shardkv.ts";
import type { MachineView } from "../../raft/node/apply/state_machine.ts";
import { isSessionRecord } from "../../raft/node/sessions/session_record.ts";
import type { StepOutcome } from "./commands.ts";
import type { GroupState } from "./group_state.ts";
import {
  clientOf,
  isChangeCursor,
  recordKey,
  SESSION_KEY_BYTES,
  SESSION_KIND,
  USER_KIND,
} from "./machine_keys.ts";
import { removeValue, setValue } from "./shard_values.ts";

/**
 * New owner: takes in the records, or the changes, that follow the shard's cursor.
 * With the last chunk the shard is served here.
 */
export function applyInsert(
  state: GroupState,
  chunk: InsertChunk,
  view: MachineView,
): StepOutcome {
  const early = tooEarlyOrLate(state, chunk);
  if (early !== undefined) return early;
  const shard = state.shards.get(chunk.shard);
  if (shard === undefined || shard.status !== "Pulling") return "already";
  // A repetition of a chunk that is here already, or one that skips some.
  if (!chunk.cursorBefore.equals(shard.cursor)) return "already";
  if (!isSound(chunk)) return "refused";
  // Records come in key order and each once, so that only changes can meet what is here.
  const isCatchUp = isChangeCursor(chunk.cursorBefore);
  for (const { key, value, deleted } of chunk.records) {
    if (key[0] === SESSION_KIND) shard.sessions.adopt(clientOf(key), value, state.timeMs);
    else {
      const record = view.record(recordKey(shard, key));
      if (!isCatchUp) setValue(shard, record, value, undefined, view);
      // Written and deleted again since the configuration, if it is not here: it never came.
      else if (deleted) removeValue(shard, record, view);
      else setValue(shard, record, value, view.lengthOf(record), view);
    }
  }
  shard.cursor = chunk.done ? new Uint8Array() : new Uint8Array(chunk.cursorAfter);
  if (chunk.done) shard.status = "GCing";
  state.changed.shards.add(shard);
  if (chunk.done) state.version++;
  return "done";
}

/** Last owner: stops to serve the shard, since its next owner has nearly all of it. */
export function applyFreeze(state: GroupState, step: ShardStep): StepOutcome {
  const early = tooEarlyOrLate(state, step);
  if (early !== undefined) return early;
  const shard = state.shards.get(step.shard);
  if (shard === undefined || shard.status === "BePulling") return "already";
  if (shard.status !== "Leaving") return "refused";
  shard.status = "BePulling";
  state.changed.shards.add(shard);
  state.version++;
  return "done";
}

/** Last owner: forgets the shard, since it is committed at its next owner. */
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

/** New owner: ends the move, since the last owner has forgotten the shard. */
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
 * Why a step has no effect, by the number of the configuration it belongs to. A
 * step of an earlier one has had its effect already: the group could not leave that
 * configuration before.
 */
function tooEarlyOrLate(
  state: GroupState,
  step: { readonly configNum: number },
): StepOutcome | undefined {
  if (step.configNum < state.config.num) return "already";
  return step.configNum > state.config.num ? "notReady" : undefined;
}

/** Whether a chunk is what a source gives: sound records, and a cursor that does not go back. */
function isSound({ cursorBefore, cursorAfter, records, done }: InsertChunk): boolean {
  const isCatchUp = isChangeCursor(cursorBefore);
  if (cursorBefore.compare(cursorAfter) > 0) return false;
  // A source is done only once it has told what changed while it was copied.
  if (done && !isCatchUp) return false;
  return records.every((record) => isRecord(record) && (isCatchUp || !record.deleted));
}

function isRecord({ key, value, deleted }: ShardRecord): boolean {
  if (key[0] === USER_KIND) return key.length > 1;
  const isSession = key[0] === SESSION_KIND && key.length === SESSION_KEY_BYTES;
  // A source forgets no session of a shard that is on its way.
  return isSession && !deleted && isSessionRecord(value);
}
