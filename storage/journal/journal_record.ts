/**
 * How a record lies in a journal's file.
 *
 * | bytes | content |
 * |---|---|
 * | 4 | CRC-32 of the file's salt and everything behind these bytes |
 * | 4 | length of the payload |
 * | 8 | sequence number |
 * | .. | payload |
 * | 0 to 7 | zeros, up to a multiple of 8 |
 *
 * Numbers are big-endian. The salt makes sure that a value which a client has
 * made of a journal's bytes is never taken for a record.
 */
import { crc32 } from "node:zlib";
import { readUint64, writeUint64 } from "../key_space.ts";
import type { JournalRecord } from "./journal.ts";

const HEADER_BYTES = 16;
/** Records begin at multiples of this, so that one behind a damaged one can be found. */
const ALIGNMENT = 8;
/** What a power cut leaves of a file in whole or not at all. */
const SECTOR_BYTES = 512;

/** How many times a file's bytes are checksummed at most to find a record behind a damaged one. */
const SEARCHED_MAX = 8;

/** What a file holds from one place on. */
export type Found =
  | { readonly kind: "record"; readonly record: JournalRecord; readonly end: number }
  /** A write that did not come to its end, or nothing: the file may be cut off here. */
  | { readonly kind: "end" }
  | { readonly kind: "damage" };

/** Makes the bytes of a record. */
export function encodeRecord(
  sequence: number,
  payload: readonly Uint8Array[],
  salt: number,
): Buffer {
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  const bytes = Buffer.allocUnsafe(sizeOf(length));
  bytes.fill(0, HEADER_BYTES + length);
  bytes.writeUInt32BE(length, 4);
  writeUint64(bytes, sequence, 8);
  let at = HEADER_BYTES;
  for (const part of payload) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes.writeUInt32BE(crc32(bytes.subarray(4), salt), 0);
  return bytes;
}

/**
 * Reads the record at a place of a file.
 *
 * @param file The file's whole content
 * @param sequence The number it must have
 */
export function findRecord(file: Buffer, at: number, sequence: number, salt: number): Found {
  if (at === file.length) return { kind: "end" };
  const end = soundEnd(file, at, salt);
  if (end !== undefined && sequenceAt(file, at) === sequence) {
    const length = file.readUInt32BE(at + 4);
    const payload = file.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    return { kind: "record", record: { sequence, payload }, end };
  }
  const isTorn = end === undefined && mayBeTorn(file, at) &&
    !hasRecordBehind(file, at, sequence, salt);
  return { kind: isTorn ? "end" : "damage" };
}

/** Where the record at a place ends, if there is one that is as it was written. */
function soundEnd(file: Buffer, at: number, salt: number): number | undefined {
  if (at + HEADER_BYTES > file.length) return undefined;
  const end = at + sizeOf(file.readUInt32BE(at + 4));
  if (end > file.length) return undefined;
  return file.readUInt32BE(at) === crc32(file.subarray(at + 4, end), salt) ? end : undefined;
}

/**
 * Whether a power cut can have left a record like this: the file ends before
 * it does, or a sector that was never written is all zeros (as etcd judges).
 */
function mayBeTorn(file: Buffer, at: number): boolean {
  if (at + HEADER_BYTES > file.length) return true;
  const length = file.readUInt32BE(at + 4);
  if (at + sizeOf(length) > file.length) return true;
  const end = at + HEADER_BYTES + length;
  for (let start = at; start < end;) {
    const next = Math.min(end, (Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (file.subarray(start, next).every((byte) => byte === 0)) return true;
    start = next;
  }
  return false;
}

/**
 * Records are synced one by one: behind one that did not come to its end there
 * is none. A file that is too full of what looks like records counts as if it
 * had one: somebody has made it so.
 */
function hasRecordBehind(file: Buffer, at: number, sequence: number, salt: number): boolean {
  const last = file.length - HEADER_BYTES;
  let budget = SEARCHED_MAX * file.length;
  for (let next = at + ALIGNMENT; next <= last; next += ALIGNMENT) {
    // Numbers first: a checksum at every place would take minutes.
    const steps = sequenceAt(file, next) - sequence;
    // As many records have room before it, none of them shorter than its head.
    if (steps <= 0 || steps * HEADER_BYTES > next - at) continue;
    budget -= Math.min(sizeOf(file.readUInt32BE(next + 4)), file.length);
    if (budget < 0) return true;
    if (soundEnd(file, next, salt) !== undefined) return true;
  }
  return false;
}

function sequenceAt(file: Buffer, at: number): number {
  return readUint64(file, at + 8);
}

function sizeOf(length: number): number {
  return Math.ceil((HEADER_BYTES + length) / ALIGNMENT) * ALIGNMENT;
}
