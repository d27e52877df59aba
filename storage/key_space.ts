/**
 * Who owns which bytes of a node's engine. The first byte of a key is its
 * region; all numbers are big-endian, so that byte order is numeric order.
 *
 * | region | key | value |
 * |---|---|---|
 * | 0x01 | name of a node record | identity, log start, generation, peers |
 * | 0x03 | generation u32, 0x00 | applied record of that generation |
 * | 0x03 | generation u32, 0x01, machine key | machine data |
 * | 0x7f | batch number u64 | one byte: a mark of the RocksDB engine (write_marks.ts) |
 *
 * A generation's applied record sorts before its data, so one iterator over
 * the generation sees both as of the same moment.
 */
import type { KeyRange } from "./engine.ts";

const NODE_REGION = 0x01;
/** First byte of everything that a machine keeps; its records carry checksums (record_checksum.ts). */
export const MACHINE_REGION = 0x03;
/** First byte of the RocksDB engine's marks; engines refuse writes of others there. */
export const MARK_REGION = 0x7f;

const APPLIED_TAG = 0x00;
const DATA_TAG = 0x01;
/** Bytes before everything of a generation: region, generation. */
export const GENERATION_PREFIX_BYTES = 5;
/** Bytes before a machine key: region, generation, tag. */
export const MACHINE_PREFIX_BYTES = 6;

/** Writes an index or counter into `key` at `offset` as 8 bytes. */
export function writeUint64(key: Buffer, value: number, offset: number): void {
  key.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  key.writeUInt32BE(value >>> 0, offset + 4);
}

/** Reads what {@linkcode writeUint64} wrote. */
export function readUint64(key: Uint8Array, offset: number): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
}

/** Records about the node itself. */
export type NodeRecord = "identity" | "logStart" | "generation" | "peers";

export function nodeKey(record: NodeRecord): Buffer {
  return Buffer.concat([Buffer.of(NODE_REGION), Buffer.from(record)]);
}

function generationKey(generation: number, tag: number): Buffer {
  const key = Buffer.allocUnsafe(MACHINE_PREFIX_BYTES);
  key[0] = MACHINE_REGION;
  key.writeUInt32BE(generation, 1);
  key[5] = tag;
  return key;
}

export function appliedKey(generation: number): Buffer {
  return generationKey(generation, APPLIED_TAG);
}

/** What precedes every machine key of a generation. */
export function machinePrefix(generation: number): Buffer {
  return generationKey(generation, DATA_TAG);
}

/** What precedes everything of a generation, its applied record too. */
export function generationPrefix(generation: number): Buffer {
  return generationKey(generation, 0).subarray(0, GENERATION_PREFIX_BYTES);
}

/** Puts a generation's prefix before a machine key. */
export function machineKey(prefix: Uint8Array, key: Uint8Array): Buffer {
  const full = Buffer.allocUnsafe(prefix.length + key.length);
  full.set(prefix, 0);
  full.set(key, prefix.length);
  return full;
}

/** Applied record and data of one generation. */
export function generationRange(generation: number): KeyRange {
  return { start: generationKey(generation, 0), end: generationKey(generation + 1, 0) };
}

/** Every generation. */
export function machineRange(): KeyRange {
  return { start: Buffer.of(MACHINE_REGION), end: Buffer.of(MACHINE_REGION + 1) };
}
