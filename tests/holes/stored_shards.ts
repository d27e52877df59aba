/** What a replica of a group has on its disk, whatever it says. */
import {
  garbageRange,
  SESSION_KIND,
  STAY_PREFIX_BYTES,
} from "../../shardkv/machine/machine_keys.ts";
import type { Engine } from "../../storage/engine.ts";
import { MACHINE_PREFIX_BYTES, machineRange } from "../../storage/key_space.ts";

/** First byte of the machine's keys of records that belong to a shard. */
const DATA_REGION = 0x04;

/** Records of one stay of a shard. */
export interface StoredStay {
  readonly shard: number;
  readonly incarnation: number;
  /** Values by user key. */
  readonly values: Map<string, string>;
  /** Session records. */
  sessions: number;
}

export interface StoredShards {
  readonly stays: readonly StoredStay[];
  /** Past stays that still have to be cleared. */
  readonly garbage: number;
}

/** Reads the newest generation of the engine's data. */
export async function storedShards(engine: Engine): Promise<StoredShards> {
  const stays = new Map<string, StoredStay>();
  let garbage = 0;
  for (const { key, value } of await machineRecords(engine)) {
    if (key[0] === garbageRange().start[0]) garbage++;
    if (key[0] !== DATA_REGION) continue;
    const [shard, incarnation] = [key.readUInt16BE(1), key.readUInt32BE(3)];
    const stay = stays.get(`${shard} ${incarnation}`) ??
      { shard, incarnation, values: new Map(), sessions: 0 };
    stays.set(`${shard} ${incarnation}`, stay);
    const relative = key.subarray(STAY_PREFIX_BYTES);
    if (relative[0] === SESSION_KIND) stay.sessions++;
    else stay.values.set(relative.subarray(1).toString("latin1"), value.toString("latin1"));
  }
  return { stays: [...stays.values()], garbage };
}

/** Every record of the machine, as hexadecimal lines without what replicas may clear at leisure. */
export async function replicatedLines(engine: Engine): Promise<string[]> {
  const records = await machineRecords(engine);
  const start = garbageRange().start[0];
  const cleared = new Set(
    records.filter(({ key }) => key[0] === start).map(({ key }) => key.subarray(1).toString("hex")),
  );
  return records
    .filter(({ key }) => key[0] !== start)
    .filter(({ key }) => !cleared.has(key.subarray(1, STAY_PREFIX_BYTES).toString("hex")))
    .map(({ key, value }) => `${key.toString("hex")} ${value.toString("hex")}`);
}

async function machineRecords(engine: Engine): Promise<{ key: Buffer; value: Buffer }[]> {
  const pairs = await engine.scan(machineRange());
  const newest = pairs.at(-1)?.key.subarray(0, MACHINE_PREFIX_BYTES);
  return pairs
    .filter(({ key }) => newest !== undefined && key.indexOf(newest) === 0)
    .map(({ key, value }) => ({ key: key.subarray(MACHINE_PREFIX_BYTES), value }));
}
