/**
 * How generated code reads and writes messages: what `deno task proto` puts in
 * place of the slow spots of ts-proto's output.
 */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

/** What a reader of a Buffer hands out are Buffers, too. */
export { asBuffer } from "../runtime/buffers.ts";

/** The value of every `bytes` field that is not set: one for each took longer than all the rest. */
export const EMPTY: Buffer = Buffer.alloc(0);

/** A buffer that has grown beyond this is not worth keeping, in bytes. */
const KEPT_BYTES_MAX = 1 << 20;

let idle: MessageWriter | undefined;

/** A writer that is used again, with the buffer it has grown. */
export class MessageWriter extends BinaryWriter {
  /** A writer that nobody uses; one whose message could not be encoded never comes back. */
  static take(): MessageWriter {
    const writer = idle ?? new MessageWriter();
    idle = undefined;
    return writer;
  }

  override finish(): Uint8Array<ArrayBuffer> {
    const bytes = super.finish();
    if (bytes.length <= KEPT_BYTES_MAX) idle = this;
    return bytes;
  }

  override uint64(value: string | number | bigint): this {
    return isSmall(value) ? this.uint32(value) : super.uint64(value);
  }

  override int64(value: string | number | bigint): this {
    return isSmall(value) ? this.uint32(value) : super.int64(value);
  }
}

/** Varints of 64 and of 32 bits differ in what does not fit into 32; without BigInt it is ten times faster. */
function isSmall(value: string | number | bigint): value is number {
  return typeof value === "number" && value >= 0 && value <= 0xffff_ffff;
}

/**
 * Reads an unsigned number of up to 64 bits.
 *
 * @throws {RangeError} If it is not a safe integer, or the message ends within it
 */
export function readUint64(reader: BinaryReader): number {
  const small = readSmall(reader);
  return small >= 0 ? small : safeInteger(reader.uint64());
}

/**
 * Reads a signed number of up to 64 bits.
 *
 * @throws {RangeError} If it is not a safe integer, or the message ends within it
 */
export function readInt64(reader: BinaryReader): number {
  const small = readSmall(reader);
  return small >= 0 ? small : safeInteger(reader.int64());
}

/** A varint of up to four bytes, 28 bits; -1 if it is longer and still to be read. */
function readSmall(reader: BinaryReader): number {
  const start = reader.pos;
  const value = reader.uint32();
  if (reader.pos - start <= 4) return value;
  reader.pos = start;
  return -1;
}

function safeInteger(value: bigint | string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`Cannot read the number ${value}: it is beyond 2^53 - 1`);
}
