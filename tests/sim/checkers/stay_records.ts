/** The records of a shard in a group, read from the bytes as shardkv/machine/machine_keys.ts describes them. */
import type { StoredContent } from "../../../storage/memory_engine.ts";
import { generationOf, machineKey, readVarint } from "./stored_facts.ts";

export interface StayRecords {
  /** By the user's key. */
  readonly values: ReadonlyMap<string, Buffer>;
  /** By client: what is remembered of it, but for when it was last heard of. */
  readonly sessions: ReadonlyMap<string, Buffer>;
}

const DATA = 0x04;
const SESSION = 0x01;
/** Behind it stands the change log. */
const USER = 0x02;
const PREFIX_BYTES = 7;

export function stayRecords(
  content: StoredContent,
  shard: number,
  incarnation: number,
): StayRecords {
  const prefix = machineKey(generationOf(content), 0x01);
  const start = Buffer.concat([prefix, stayPrefix(shard, incarnation)]);
  const end = Buffer.concat([prefix, stayPrefix(shard, incarnation + 1)]);
  const values = new Map<string, Buffer>();
  const sessions = new Map<string, Buffer>();
  for (const { key, value } of content.slice({ start, end }, Infinity)) {
    const name = key.subarray(start.length + 1);
    if (key[start.length] === SESSION) sessions.set(name.toString("hex"), withoutTime(value));
    else if (key[start.length] === USER) values.set(name.toString(), value);
  }
  return { values, sessions };
}

function stayPrefix(shard: number, incarnation: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = DATA;
  prefix.writeUInt16BE(shard, 1);
  prefix.writeUInt32BE(incarnation, 3);
  return prefix;
}

/** A session record without its format and the time of the last use, which differ between groups. */
function withoutTime(record: Buffer): Buffer {
  const { end: afterFormat } = readVarint(record, 0);
  return record.subarray(readVarint(record, afterFormat).end);
}
