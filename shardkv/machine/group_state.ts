/**
 * Everything a group's machine holds in memory, and which records of it have
 * changed. Plain data: the functions of apply_*.ts change it.
 */
import { Config as ConfigMessage } from "../../proto/gen/shardctrler.ts";
import { encodeConfig } from "../../shardctrler/configuration/config_codec.ts";
import {
  type Config,
  emptyConfig,
  type Gid,
  type GroupIdentity,
  NO_IDENTITY,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import type { Write } from "../../storage/engine.ts";
import {
  encodeUint64,
  garbageKey,
  groupKey,
  sessionKey,
  shardKey,
  type Stay,
} from "./machine_keys.ts";
import { encodeShard, type Shard } from "./shard_record.ts";

export interface GroupState {
  readonly gid: Gid;
  /** Decided by the group's first command; of groups that are older, NO_IDENTITY for good. */
  identity: GroupIdentity;
  /** The configuration the group is in; number 0 and no shards before the first. */
  config: Config;
  /** The one before it: names the sources of the shards gained in `config`. */
  previous: Config;
  /** Machine time: milliseconds of the latest command's clock; never goes back. */
  timeMs: number;
  /** The shards that are here, served or not. */
  readonly shards: Map<ShardId, Shard>;
  /** Stays that are over and whose records may still be there. */
  garbage: Stay[];
  /** Rises with every change of a status, an incarnation or the configuration. */
  version: number;
  readonly changed: ChangedRecords;
}

/** Which records differ from those in the engine. */
export interface ChangedRecords {
  identity: boolean;
  config: boolean;
  time: boolean;
  shards: Set<Shard>;
  dropped: Stay[];
}

export function emptyState(gid: Gid): GroupState {
  return {
    gid,
    identity: NO_IDENTITY,
    config: emptyConfig(0),
    previous: emptyConfig(0),
    timeMs: 0,
    shards: new Map(),
    garbage: [],
    version: 0,
    changed: { identity: false, config: false, time: false, shards: new Set(), dropped: [] },
  };
}

/** The writes that bring the engine's records up to date with the state. */
export function takeChangedRecords(state: GroupState): Write[] {
  const { changed } = state;
  const writes: Write[] = [];
  if (changed.identity) {
    writes.push({ type: "put", key: groupKey("identity"), value: Buffer.from(state.identity) });
  }
  if (changed.time) {
    writes.push({ type: "put", key: groupKey("time"), value: encodeUint64(state.timeMs) });
  }
  if (changed.config) {
    writes.push({ type: "put", key: groupKey("config"), value: configRecord(state.config) });
    // Configuration 0 says nothing and has no record.
    if (state.previous.num > 0) {
      writes.push({ type: "put", key: groupKey("previous"), value: configRecord(state.previous) });
    }
  }
  // Before the shards that are here: one may have come back under another incarnation.
  for (const stay of changed.dropped) {
    writes.push({ type: "del", key: shardKey(stay.shard) });
    writes.push({ type: "put", key: garbageKey(stay), value: Buffer.alloc(0) });
  }
  for (const shard of changed.shards) {
    if (state.shards.get(shard.shard) === shard) pushShardRecords(shard, writes);
  }
  changed.identity = false;
  changed.time = false;
  changed.config = false;
  changed.dropped = [];
  // Not cleared: see sequence_map.ts.
  changed.shards = new Set();
  return writes;
}

function pushShardRecords(shard: Shard, writes: Write[]): void {
  writes.push({ type: "put", key: shardKey(shard.shard), value: encodeShard(shard) });
  for (const { clientId, record } of shard.sessions.takeDirty()) {
    const key = sessionKey(shard, clientId);
    writes.push(
      record === undefined ? { type: "del", key } : { type: "put", key, value: record },
    );
  }
}

function configRecord(config: Config): Uint8Array {
  return ConfigMessage.encode(encodeConfig(config)).finish();
}
