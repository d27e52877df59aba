/**
 * A checksum behind each value of a machine's records. RocksDB has some of its
 * own, but the binding does not have them verified where many records are read
 * in a row: a damaged table would be served to clients, and copied to followers
 * and other groups with a checksum of what was wrong already.
 *
 * Records about the node are read one by one, so that RocksDB verifies them.
 */
import { crc32 } from "node:zlib";
import { ReusedBuffers } from "../runtime/buffers.ts";
import { MACHINE_REGION } from "./key_space.ts";

/** CRC-32 of key and value, big-endian, behind the value. */
export const CHECKSUM_BYTES = 4;

/** Whether records under this key are stored with a checksum. */
export function isSealed(key: Uint8Array): boolean {
  return key[0] === MACHINE_REGION;
}

/** Values up to 1 KiB are sealed in memory that is used again. */
const sealed = new ReusedBuffers(1_024 + CHECKSUM_BYTES);

/**
 * What is stored under a key of {@linkcode isSealed} for a value: a copy, which
 * is good until the next call.
 */
export function seal(key: Buffer, value: Uint8Array): Buffer {
  const { length } = value;
  const stored = sealed.ofLength(length + CHECKSUM_BYTES);
  stored.set(value);
  const checksum = crc32(value, crc32(key));
  // Byte by byte: several times faster than writeUInt32BE on the hot path.
  stored[length] = checksum >>> 24;
  stored[length + 1] = checksum >>> 16;
  stored[length + 2] = checksum >>> 8;
  stored[length + 3] = checksum;
  return stored;
}

/** The value of what is stored under a key of {@linkcode isSealed}: a view; undefined if it is damaged. */
export function unseal(key: Buffer, stored: Buffer): Buffer | undefined {
  const end = stored.length - CHECKSUM_BYTES;
  if (end < 0) return undefined;
  const value = stored.subarray(0, end);
  return stored.readUInt32BE(end) === crc32(value, crc32(key)) ? value : undefined;
}

/** What is told of a record that is damaged; RocksDB's own words for damage stand first. */
export function damageOf(key: Buffer): Error {
  return new Error(`Corruption: the record ${key.toString("hex")} fails its checksum`);
}
