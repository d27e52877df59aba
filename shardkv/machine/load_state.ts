/** Builds a group's state from the engine: a number of reads that depends on shards and clients, never on keys. */
import { Config as ConfigMessage } from "../../proto/gen/shardctrler.ts";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { decodeConfig } from "../../shardctrler/configuration/config_codec.ts";
import {
  type Config,
  emptyConfig,
  type Gid,
  NO_IDENTITY,
} from "../../shardctrler/configuration/config.ts";
import { readUint64 } from "../../storage/key_space.ts";
import { emptyState, type GroupState } from "./group_state.ts";
import {
  clientOf,
  garbageRange,
  groupKey,
  type Range,
  relativeOf,
  sessionRange,
  shardOfKey,
  shardRange,
  stayOf,
} from "./machine_keys.ts";
import { decodeShard, type Shard } from "./shard_record.ts";

/** Records read at a time. */
const PAGE_RECORDS = 256;

export async function loadState(gid: Gid, reader: MachineReader): Promise<GroupState> {
  const state = emptyState(gid);
  state.identity = (await reader.get(groupKey("identity")))?.toString() ?? NO_IDENTITY;
  state.config = await readConfig(reader, "config");
  state.previous = await readConfig(reader, "previous");
  const time = await reader.get(groupKey("time"));
  state.timeMs = time === undefined ? 0 : readUint64(time, 0);
  await forEachPair(reader, shardRange(), (key, value) => {
    const shard = decodeShard(shardOfKey(key), value);
    state.shards.set(shard.shard, shard);
  });
  await forEachPair(reader, garbageRange(), (key) => state.garbage.push(stayOf(key)));
  for (const shard of state.shards.values()) await loadSessions(shard, reader);
  return state;
}

async function readConfig(reader: MachineReader, name: "config" | "previous"): Promise<Config> {
  const record = await reader.get(groupKey(name));
  return record === undefined ? emptyConfig(0) : decodeConfig(ConfigMessage.decode(record));
}

function loadSessions(shard: Shard, reader: MachineReader): Promise<void> {
  const load = (key: Buffer, value: Buffer) => {
    shard.sessions.load(clientOf(relativeOf(key)), value);
  };
  return forEachPair(reader, sessionRange(shard), load, true);
}

async function forEachPair(
  reader: MachineReader,
  range: Range,
  visit: (key: Buffer, value: Buffer) => void,
  checksAbove = false,
): Promise<void> {
  let start = range.start;
  for (;;) {
    const page = await reader.scan(start, range.end, { limit: PAGE_RECORDS, checksAbove });
    for (const { key, value } of page) visit(key, value);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_RECORDS) return;
    start = Buffer.concat([last.key, Buffer.of(0)]);
  }
}
