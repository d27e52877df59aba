/** Looks ahead: which keys will the writes of a batch of commands want to see. */
import { type Config, isForeign } from "../shardctrler/config.ts";
import { shardOf } from "../shardctrler/shard_hash.ts";
import type { GroupOperation, WritesOperation } from "./commands.ts";
import type { GroupState } from "./group_state.ts";
import { userKey } from "./machine_keys.ts";

/**
 * The machine keys of all writes among the operations, which are about to be
 * applied to the state in this order. A configuration among them may begin a
 * new stay of a shard: writes behind it want that stay's keys too.
 */
export function keysAhead(
  state: GroupState,
  operations: readonly GroupOperation[],
): Uint8Array[] {
  const keys: Uint8Array[] = [];
  const coming: Config[] = [];
  let latest = state.config;
  for (const operation of operations) {
    if (operation.kind === "config" && mayFollow(latest, operation.config)) {
      coming.push(operation.config);
      latest = operation.config;
    } else if (operation.kind === "writes") {
      assignShards(operation, shardCountOf(state, coming));
      pushKeys(state, coming, operation, keys);
    }
  }
  return keys;
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
  keys: Uint8Array[],
): void {
  operation.commands.forEach(({ key }, i) => {
    const number = operation.shards[i] as number;
    const shard = state.shards.get(number);
    if (shard !== undefined) {
      const machineKey = userKey(shard, key);
      operation.keys[i] = machineKey;
      keys.push(machineKey);
    }
    for (const config of coming) {
      if (config.shards[number] !== state.gid) continue;
      keys.push(userKey({ shard: number, incarnation: config.num }, key));
    }
  });
}
