/** Which shards the table shows, and in which order. */
import type { ShardView } from "../api.ts";

export const SHARD_COLUMNS = ["shard", "group", "state", "keys", "bytes", "ops"] as const;
export type ShardColumn = typeof SHARD_COLUMNS[number];

export interface ShardQuery {
  readonly column: ShardColumn;
  readonly descending: boolean;
  /** Undefined: all. */
  readonly gid?: number | undefined;
  readonly state?: string | undefined;
}

/** Reads `-keys` or `group`; anything else sorts by shard. */
export function parseSort(text: string): Pick<ShardQuery, "column" | "descending"> {
  const descending = text.startsWith("-");
  const name = descending ? text.slice(1) : text;
  const column = SHARD_COLUMNS.find((candidate) => candidate === name);
  return column === undefined ? { column: "shard", descending: false } : { column, descending };
}

/** The order after a click on a column: its natural one first, then the other way round. */
export function nextSort(current: Pick<ShardQuery, "column" | "descending">, column: ShardColumn) {
  const largestFirst = column === "keys" || column === "bytes" || column === "ops";
  const descending = current.column === column ? !current.descending : largestFirst;
  return `${descending ? "-" : ""}${column}`;
}

/** Ids of the shards that fit, sorted; equal ones by id. */
export function queryShards(shards: readonly ShardView[], query: ShardQuery): number[] {
  const direction = query.descending ? -1 : 1;
  return shards
    .filter((shard) => query.gid === undefined || shard.groupId === query.gid)
    .filter((shard) => query.state === undefined || shard.state === query.state)
    .sort((a, b) => direction * compareBy(query.column, a, b) || a.shardId - b.shardId)
    .map((shard) => shard.shardId);
}

function compareBy(column: ShardColumn, a: ShardView, b: ShardView): number {
  switch (column) {
    case "shard":
      return a.shardId - b.shardId;
    case "group":
      return a.groupId - b.groupId;
    case "state":
      return a.state < b.state ? -1 : a.state > b.state ? 1 : 0;
    case "keys":
      return a.keys - b.keys;
    case "bytes":
      return a.bytes - b.bytes;
    case "ops":
      return a.opsPerSecond - b.opsPerSecond;
  }
}
