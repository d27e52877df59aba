/** Tells in advance which records a batch of commands will look at. */
import type { InsertChunk, WriteOp } from "../../proto/gen/shardkv.ts";
import type { Lookahead, RecordRef } from "../../raft/node/apply/state_machine.ts";
import { type Config, isForeign } from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import { type GroupOperation, readsValue, type WritesOperation } from "./commands.ts";
import type { GroupState } from "./group_state.ts";
import { isChangeCursor, recordKey, USER_KIND, userKey } from "./machine_keys.ts";

/**
 * Asks for the records of all writes and changes among the operations, which
 * are about to be applied to the state in this order. A configuration among
 * them may begin a new stay of a shard: writes behind it want that stay's
 * records too.
 */
export function lookAhead(
  state: GroupState,
  operations: readonly GroupOperation[],
  ahead: Lookahead,
): void {
  const coming: Config[] = [];
  let latest = state.config;
  for (const operation of operations) {
    if (operation.kind === "config" && mayFollow(latest, operation.config)) {
      coming.push(operation.config);
      latest = operation.config;
    } else if (operation.kind === "writes") {
      assignShards(operation, shardCountOf(state, coming));
      askForWrites(state, coming, operation, ahead);
    } else if (operation.kind === "insert") {
      askForChanges(operation.chunk, ahead);
    }
  }
}

/** Some writes need the old value; for the others its length is enough, to keep count of bytes. */
function ask(ahead: Lookahead, op: WriteOp, key: Buffer): RecordRef {
  return readsValue(op) ? ahead.value(key) : ahead.length(key);
}

/**
 * Asks for the lengths of what a chunk of changes replaces. A pulled shard's stay
 * began in the configuration of the pull.
 */
function askForChanges(
  { configNum, shard, cursorBefore, records }: InsertChunk,
  ahead: Lookahead,
): void {
  if (!isChangeCursor(cursorBefore)) return;
  const stay = { shard, incarnation: configNum };
  for (const { key } of records) if (key[0] === USER_KIND) ahead.length(recordKey(stay, key));
}

function mayFollow(latest: Config, config: Config): boolean {
  return config.num === latest.num + 1 && !isForeign(latest.storeId, config.storeId);
}

/** Fills in the shards of a batch for a cluster of `shardCount` shards, once. */
export function assignShards(operation: WritesOperation, shardCount: number): void {
  if (operation.shardCount === shardCount) return;
  operation.shardCount = shardCount;
  operation.commands.forEach((command, i) => {
    operation.shards[i] = shardOf(command.key, shardCount);
  });
}

function shardCountOf(state: GroupState, coming: readonly Config[]): number {
  return state.config.shards.length || (coming[0]?.shards.length ?? 0);
}

function askForWrites(
  state: GroupState,
  coming: readonly Config[],
  operation: WritesOperation,
  ahead: Lookahead,
): void {
  operation.commands.forEach(({ key, op }, i) => {
    const number = operation.shards[i] as number;
    const shard = state.shards.get(number);
    if (shard !== undefined) operation.records[i] = ask(ahead, op, userKey(shard, key));
    for (const config of coming) {
      if (config.shards[number] !== state.gid) continue;
      ask(ahead, op, userKey({ shard: number, incarnation: config.num }, key));
    }
  });
}
