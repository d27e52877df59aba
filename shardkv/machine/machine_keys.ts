/**
 * What the machine of a group keeps, by key; numbers are big-endian.
 *
 * | key | value |
 * |---|---|
 * | 0x01, name | record of the group: identity, configurations, machine time |
 * | 0x02, shard u16 | shard record (shard_record.ts) |
 * | 0x03, shard u16, incarnation u32 | empty: that stay is over, its 0x04 records are garbage |
 * | 0x04, shard u16, incarnation u32, 0x01, client u64 | session record |
 * | 0x04, shard u16, incarnation u32, 0x02, user key | user value |
 * | 0x04, shard u16, incarnation u32, 0x03, number u64 | change: what follows the incarnation in the key of a record that was written (change_log.ts) |
 *
 * An incarnation is the number of the configuration in which the group gained
 * the shard. Every stay of a shard has records of its own, so that giving it
 * up is one small change of the log: what it left behind can never come back,
 * and is cleared at leisure.
 *
 * Garbage is cleared by each replica for itself and the log does not know of
 * it: first the 0x04 records, then the 0x03 record. Replicas at the same index
 * are therefore equal in everything but 0x03 records and the records they
 * name. A snapshot taken in between carries both, or neither.
 */
import { readUint64, writeUint64 } from "../../storage/key_space.ts";

const GROUP_REGION = 0x01;
const SHARD_REGION = 0x02;
const GARBAGE_REGION = 0x03;
const DATA_REGION = 0x04;

/** Kind of a record within a shard. */
export const SESSION_KIND = 0x01;
/** Kind of a record within a shard. */
export const USER_KIND = 0x02;

/** Kind of an entry of the change log, which stands behind the records of a shard. */
export const CHANGE_KIND = 0x03;

/** Bytes before a record's kind: region, shard, incarnation. */
export const STAY_PREFIX_BYTES = 7;
/** Length of a session record's key within its shard: kind and client. */
export const SESSION_KEY_BYTES = 9;
/** Length of a change's key within its shard: kind and number. */
const CHANGE_KEY_BYTES = 9;

export interface Range {
  readonly start: Buffer;
  readonly end: Buffer;
}

/** One stay of a shard in this group. */
export interface Stay {
  readonly shard: number;
  readonly incarnation: number;
}

export type GroupRecord = "identity" | "config" | "previous" | "time";

export function groupKey(name: GroupRecord): Buffer {
  return Buffer.concat([Buffer.of(GROUP_REGION), Buffer.from(name)]);
}

export function shardKey(shard: number): Buffer {
  return Buffer.of(SHARD_REGION, shard >>> 8, shard & 0xff);
}

export function shardOfKey(key: Buffer): number {
  return key.readUInt16BE(1);
}

export function shardRange(): Range {
  return { start: Buffer.of(SHARD_REGION), end: Buffer.of(SHARD_REGION + 1) };
}

export function garbageKey(stay: Stay): Buffer {
  return stayKey(GARBAGE_REGION, stay);
}

export function garbageRange(): Range {
  return { start: Buffer.of(GARBAGE_REGION), end: Buffer.of(GARBAGE_REGION + 1) };
}

/** The one record that says a stay is garbage, as a range. */
export function garbageRecordRange(stay: Stay): Range {
  const start = garbageKey(stay);
  return { start, end: Buffer.concat([start, Buffer.of(0)]) };
}

/** The stay named by a 0x03 key. */
export function stayOf(key: Buffer): Stay {
  return { shard: key.readUInt16BE(1), incarnation: key.readUInt32BE(3) };
}

/** Every record of a stay, whatever its kind, and its changes. */
export function stayRange(stay: Stay): Range {
  return { start: stayKey(DATA_REGION, stay), end: stayEnd(stay) };
}

/** The session records of a stay. */
export function sessionRange(stay: Stay): Range {
  return { start: recordKey(stay, Buffer.of(SESSION_KIND)), end: userKey(stay, Buffer.alloc(0)) };
}

export function sessionKey(stay: Stay, clientId: string): Buffer {
  const key = Buffer.allocUnsafe(STAY_PREFIX_BYTES + SESSION_KEY_BYTES);
  writeStay(key, DATA_REGION, stay.shard, stay.incarnation);
  key[STAY_PREFIX_BYTES] = SESSION_KIND;
  key.set(clientBytes(clientId), STAY_PREFIX_BYTES + 1);
  return key;
}

/** The client that was asked for last: one that writes to many shards has a session in each. */
let lastClient: { readonly id: string; readonly bytes: Buffer } | undefined;

/** A client's id, decimal digits of an unsigned 64-bit number, as 8 bytes. */
function clientBytes(id: string): Buffer {
  if (lastClient?.id === id) return lastClient.bytes;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(id));
  lastClient = { id, bytes };
  return bytes;
}

/** The client of a session record, from its key within the shard. */
export function clientOf(relative: Uint8Array): string {
  return new DataView(relative.buffer, relative.byteOffset).getBigUint64(1).toString();
}

export function userKey(stay: Stay, key: Uint8Array): Buffer {
  const full = Buffer.allocUnsafe(STAY_PREFIX_BYTES + 1 + key.length);
  writeStay(full, DATA_REGION, stay.shard, stay.incarnation);
  full[STAY_PREFIX_BYTES] = USER_KIND;
  full.set(key, STAY_PREFIX_BYTES + 1);
  return full;
}

/** User keys of a stay from `start` (inclusive) to `end` (exclusive; undefined: to the last). */
export function userRange(stay: Stay, start: Uint8Array, end: Uint8Array | undefined): Range {
  return {
    start: userKey(stay, start),
    end: end === undefined ? recordsEnd(stay) : userKey(stay, end),
  };
}

/** What the user calls the key: a view of a full user key. */
export function userKeyOf(full: Buffer): Buffer {
  return full.subarray(STAY_PREFIX_BYTES + 1);
}

/** Length of what the user calls the key, of a full user key. */
export function userKeyBytes(full: Uint8Array): number {
  return full.length - STAY_PREFIX_BYTES - 1;
}

/** Which incarnation of its shard a full record key belongs to. */
export function incarnationOf(full: Uint8Array): number {
  return ((full[3] as number) << 24 | (full[4] as number) << 16 | (full[5] as number) << 8 |
    (full[6] as number)) >>> 0;
}

/** A record of a stay by its key within the shard (kind first). */
export function recordKey(stay: Stay, relative: Uint8Array): Buffer {
  const full = Buffer.allocUnsafe(STAY_PREFIX_BYTES + relative.length);
  writeStay(full, DATA_REGION, stay.shard, stay.incarnation);
  full.set(relative, STAY_PREFIX_BYTES);
  return full;
}

/** The records of a stay that follow the one with the given key within the shard. */
export function recordsAfter(stay: Stay, cursor: Uint8Array): Range {
  const last = recordKey(stay, cursor);
  const start = cursor.length === 0 ? last : Buffer.concat([last, Buffer.of(0)]);
  return { start, end: recordsEnd(stay) };
}

/** Key within the shard of a change; number 0 stands for the place before the first. */
export function changeCursor(number: number): Buffer {
  const key = Buffer.allocUnsafe(CHANGE_KEY_BYTES);
  key[0] = CHANGE_KIND;
  writeUint64(key, number, 1);
  return key;
}

/** Whether a key within a shard is that of a change: all records are before it. */
export function isChangeCursor(cursor: Uint8Array): boolean {
  return cursor[0] === CHANGE_KIND && cursor.length === CHANGE_KEY_BYTES;
}

/** Number of the change with the given key within the shard. */
export function changeNumberOf(cursor: Uint8Array): number {
  return readUint64(cursor, 1);
}

/** The changes of a stay that follow the one with the given number. */
export function changesAfter(stay: Stay, number: number): Range {
  return { start: recordKey(stay, changeCursor(number + 1)), end: stayEnd(stay) };
}

/** The key within the shard (kind first): a view of a full record key. */
export function relativeOf<Key extends Uint8Array>(full: Key): Key {
  return full.subarray(STAY_PREFIX_BYTES) as Key;
}

/** A machine time or another count of up to 2^53 as 8 bytes. */
export function encodeUint64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  writeUint64(bytes, value, 0);
  return bytes;
}

function stayKey(region: number, stay: Stay): Buffer {
  const key = Buffer.allocUnsafe(STAY_PREFIX_BYTES);
  writeStay(key, region, stay.shard, stay.incarnation);
  return key;
}

/** The first key after every record of the stay, where its changes begin. */
function recordsEnd(stay: Stay): Buffer {
  return recordKey(stay, Buffer.of(CHANGE_KIND));
}

/** The first key after everything of the stay: incarnations are below 2^32 - 1. */
function stayEnd(stay: Stay): Buffer {
  return stayKey(DATA_REGION, { shard: stay.shard, incarnation: stay.incarnation + 1 });
}

// Bytes one by one: several times faster than writeUInt32BE on the hot path.
function writeStay(key: Buffer, region: number, shard: number, incarnation: number): void {
  key[0] = region;
  key[1] = shard >>> 8;
  key[2] = shard;
  key[3] = incarnation >>> 24;
  key[4] = incarnation >>> 16;
  key[5] = incarnation >>> 8;
  key[6] = incarnation;
}
