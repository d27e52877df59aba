/** Looks ahead: what will a batch of commands want to see of its keys. */
import { type InsertChunk, WriteOp } from "../proto/gen/shardkv.ts";
import type { Lookahead } from "../raft/node/state_machine.ts";
import { type Config, isForeign } from "../shardctrler/config.ts";
import { shardOf } from "../shardctrler/shard_hash.ts";
import type { GroupOperation, WritesOperation } from "./commands.ts";
import type { GroupState } from "./group_state.ts";
import { isChangeCursor, recordKey, USER_KIND, userKey } from "./machine_keys.ts";

/**
 * The machine keys of all writes and changes among the operations, which are
 * about to be applied to the state in this order. A configuration among them
 * may begin a new stay of a shard: writes behind it want that stay's keys too.
 */
export function keysAhead(
  state: GroupState,
  operations: readonly GroupOperation[],
): Lookahead {
  const keys: Keys = { values: [], lengths: [] };
  const coming: Config[] = [];
  let latest = state.config;
  for (const operation of operations) {
    if (operation.kind === "config" && mayFollow(latest, operation.config)) {
      coming.push(operation.config);
      latest = operation.config;
    } else if (operation.kind === "writes") {
      assignShards(operation, shardCountOf(state, coming));
      pushKeys(state, coming, operation, keys);
    } else if (operation.kind === "insert") {
      pushChangedKeys(operation.chunk, keys);
    }
  }
  return keys;
}

interface Keys {
  readonly values: Uint8Array[];
  readonly lengths: Uint8Array[];
}

/** What the key held counts only as the bytes that go. */
function needsLength(op: WriteOp): boolean {
  return op === WriteOp.WRITE_OP_PUT || op === WriteOp.WRITE_OP_DELETE;
}

/** What a change replaces or removes. A shard is pulled in the configuration in which its stay began. */
function pushChangedKeys(
  { configNum, shard, cursorBefore, records }: InsertChunk,
  { lengths }: Keys,
): void {
  if (!isChangeCursor(cursorBefore)) return;
  const stay = { shard, incarnation: configNum };
  for (const { key } of records) if (key[0] === USER_KIND) lengths.push(recordKey(stay, key));
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

function pushKeys(
  state: GroupState,
  coming: readonly Config[],
  operation: WritesOperation,
  keys: Keys,
): void {
  operation.commands.forEach(({ key, op }, i) => {
    const wanted = needsLength(op) ? keys.lengths : keys.values;
    const number = operation.shards[i] as number;
    const shard = state.shards.get(number);
    if (shard !== undefined) {
      const machineKey = userKey(shard, key);
      operation.keys[i] = machineKey;
      wanted.push(machineKey);
    }
    for (const config of coming) {
      if (config.shards[number] !== state.gid) continue;
      wanted.push(userKey({ shard: number, incarnation: config.num }, key));
    }
  });
}
