/** Puts, appends, deletes and compare-and-sets, each exactly once. */
import { type Result, type WriteCommand, WriteOp } from "../../proto/gen/shardkv.ts";
import type { MachineView, RecordRef } from "../../raft/node/apply/state_machine.ts";
import { NO_SESSION, type SessionVerdict } from "../../raft/node/sessions/session_table.ts";
import { unreachable } from "../../runtime/invariant.ts";
import { KEY_BYTES_MAX } from "../limits.ts";
import { isChangeLogFull, noteChange } from "./change_log.ts";
import type { WritesOperation } from "./commands.ts";
import type { GroupState } from "./group_state.ts";
import { incarnationOf, sessionKey, userKey } from "./machine_keys.ts";
import { assignShards } from "./prefetch.ts";
import { decodeResult, encodeResult, mismatchResult, plainResults } from "./results.ts";
import type { Shard } from "./shard_record.ts";
import { isServed } from "./shard_status.ts";
import { removeValue, setValue } from "./shard_values.ts";

/** Where a write goes: a shard that is served, and a record of it. */
interface Target {
  readonly shard: Shard;
  readonly record: RecordRef;
}

/**
 * Executes the commands in order, each seeing what those before it wrote.
 *
 * @returns One result for each command
 */
export function applyWrites(
  state: GroupState,
  operation: WritesOperation,
  view: MachineView,
): Result[] {
  assignShards(operation, state.config.shards.length);
  const touched = new Set<Shard>();
  const results = operation.commands.map((command, i) => {
    const shard = state.shards.get(operation.shards[i] as number);
    const refusal = refusalOf(shard, command);
    if (refusal !== undefined || shard === undefined) return refusal ?? plainResults.WRONG_GROUP;
    const { clientId, lowestUnanswered } = operation;
    const { sessions } = shard;
    touched.add(shard);
    const verdict = sessions.begin(clientId, command.sequence, lowestUnanswered, state.timeMs);
    const target: Target = { shard, record: recordOf(operation, i, shard, view) };
    if (verdict.kind !== "new") return resultOf(verdict, target, command, view);
    const result = execute(target, command, operation.valueBytesMax, view);
    if (clientId !== NO_SESSION) {
      sessions.finish(clientId, command.sequence, encodeResult(result));
    }
    return result;
  });
  for (const shard of touched) {
    state.changed.shards.add(shard);
    if (shard.status === "Leaving") noteSession(state, shard, operation.clientId, view);
  }
  return results;
}

/**
 * Notes the client's session as changed in a shard that is leaving, so that the
 * next owner gets it as it is in the end. A write that was only repeated may have
 * changed it too, by raising the client's mark.
 */
function noteSession(state: GroupState, shard: Shard, clientId: string, view: MachineView): void {
  if (clientId !== NO_SESSION && shard.sessions.has(clientId)) {
    noteChange(shard, sessionKey(shard, clientId), view);
  }
  if (!isChangeLogFull(shard)) return;
  shard.status = "BePulling";
  state.version++;
}

/** Why a command is not for this group, now or ever; such an answer is not remembered. */
function refusalOf(shard: Shard | undefined, command: WriteCommand): Result | undefined {
  if (shard === undefined) return plainResults.WRONG_GROUP;
  if (shard.status === "Pulling") return plainResults.NOT_READY;
  if (!isServed(shard.status)) return plainResults.WRONG_GROUP;
  const sound = command.key.length >= 1 && command.key.length <= KEY_BYTES_MAX &&
    command.op >= WriteOp.WRITE_OP_PUT && command.op <= WriteOp.WRITE_OP_CAS;
  return sound ? undefined : plainResults.INVALID;
}

function resultOf(
  verdict: Exclude<SessionVerdict, { kind: "new" }>,
  target: Target,
  command: WriteCommand,
  view: MachineView,
): Result {
  switch (verdict.kind) {
    case "repeat":
      return decodeResult(verdict.reply) ?? mismatchNow(target, command, view);
    case "stale":
      return plainResults.STALE_SEQUENCE;
    case "tooMany":
      return plainResults.TOO_MANY_SESSIONS;
    default:
      return unreachable(verdict);
  }
}

/**
 * The record that was found when the batch was looked ahead, unless the shard has
 * begun another stay since.
 */
function recordOf(
  operation: WritesOperation,
  i: number,
  shard: Shard,
  view: MachineView,
): RecordRef {
  const ahead = operation.records[i];
  if (ahead !== undefined && incarnationOf(ahead.key) === shard.incarnation) return ahead;
  return view.record(userKey(shard, (operation.commands[i] as WriteCommand).key));
}

function execute(
  target: Target,
  command: WriteCommand,
  valueBytesMax: number,
  view: MachineView,
): Result {
  switch (command.op) {
    case WriteOp.WRITE_OP_PUT:
      return put(target, command.value, valueBytesMax, view);
    case WriteOp.WRITE_OP_APPEND:
      return append(target, command.value, valueBytesMax, view);
    case WriteOp.WRITE_OP_DELETE:
      return remove(target, view);
    case WriteOp.WRITE_OP_CAS:
      return compareAndSet(target, command, valueBytesMax, view);
    default:
      return plainResults.INVALID;
  }
}

function put(target: Target, value: Uint8Array, valueBytesMax: number, view: MachineView): Result {
  if (value.length > valueBytesMax) return plainResults.VALUE_TOO_LARGE;
  const { shard, record } = target;
  setValue(shard, record, value, view.lengthOf(record), view);
  noteChange(shard, record.key, view);
  return plainResults.OK;
}

function append(target: Target, tail: Buffer, valueBytesMax: number, view: MachineView): Result {
  const old = view.get(target.record);
  if (old === undefined) return put(target, tail, valueBytesMax, view);
  // Before the copy, which would otherwise be made only to be thrown away.
  if (old.length + tail.length > valueBytesMax) return plainResults.VALUE_TOO_LARGE;
  return put(target, Buffer.concat([old, tail]), valueBytesMax, view);
}

function remove({ shard, record }: Target, view: MachineView): Result {
  if (!removeValue(shard, record, view)) return plainResults.NO_KEY;
  noteChange(shard, record.key, view);
  return plainResults.OK;
}

function compareAndSet(
  target: Target,
  command: WriteCommand,
  valueBytesMax: number,
  view: MachineView,
): Result {
  const old = view.get(target.record);
  if (!isExpected(command, old)) return mismatchResult(old);
  if (!command.deleteOnMatch) return put(target, command.value, valueBytesMax, view);
  if (old !== undefined) remove(target, view);
  return plainResults.OK;
}

function isExpected(command: WriteCommand, value: Uint8Array | undefined): boolean {
  if (command.expectAbsent) return value === undefined;
  return value !== undefined && command.expected.equals(value);
}

/**
 * The result of a compare-and-set that is sent again, and whose first result, a
 * mismatch, was too large to be remembered. What the key holds now is as good an
 * answer, if it is still a mismatch. If it is what the command expects, the swap
 * must not be made after all, because the first answer may have arrived; and that
 * answer is not known any more.
 */
function mismatchNow(target: Target, command: WriteCommand, view: MachineView): Result {
  const isSame = command.op === WriteOp.WRITE_OP_CAS;
  const now = isSame ? view.get(target.record) : undefined;
  return isSame && !isExpected(command, now) ? mismatchResult(now) : plainResults.STALE_SEQUENCE;
}
