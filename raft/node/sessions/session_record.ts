/**
 * One client's session as it is stored and as it travels with a shard:
 * format (1 byte), then numbers as base-128 varints: log time of the last use
 * in milliseconds, mark, number of replies; then for each reply, by ascending
 * sequence number: distance from the number before it (the first: from the
 * mark), length, bytes. Most replies are empty and their numbers close
 * together, so that one takes two or three bytes: the whole record is written
 * again whenever one of them changes.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { SequenceMap } from "../../../runtime/sequence_map.ts";

/** What is remembered of one client. */
export interface Session {
  lastUsedMs: number;
  /** Every sequence number below it has been answered. Invariant: no reply is kept below it. */
  mark: number;
  readonly replies: SequenceMap<Uint8Array>;
  /** Invariant: sum of the lengths of `replies`. */
  replyBytes: number;
}

const FORMAT = 1;

/** Bytes of a varint below 2^53. */
const VARINT_BYTES_MAX = 8;

/** Own varints: sessions are written with every batch, and a general writer takes several times as long. */
export function encodeSession({ lastUsedMs, mark, replies, replyBytes }: Session): Buffer {
  const bytesMax = 4 * VARINT_BYTES_MAX + replies.size * 2 * VARINT_BYTES_MAX + replyBytes;
  const record = Buffer.allocUnsafe(bytesMax);
  let at = writeVarint(record, FORMAT, 0);
  at = writeVarint(record, lastUsedMs, at);
  at = writeVarint(record, mark, at);
  at = writeVarint(record, replies.size, at);
  let before = mark;
  replies.forEach((sequence, reply) => {
    at = writeVarint(record, sequence - before, at);
    at = writeVarint(record, reply.length, at);
    if (reply.length > 0) record.set(reply, at);
    at += reply.length;
    before = sequence;
  });
  return record.subarray(0, at);
}

/**
 * Reads what {@linkcode encodeSession} wrote; keeps no view of it.
 *
 * @throws {SyntaxError} If the record makes no sense
 */
export function decodeSession(record: Uint8Array): Session {
  try {
    const reader = new BinaryReader(record);
    const format = reader.uint32();
    if (format !== FORMAT) throw new RangeError(`Unknown format ${format}`);
    const session = readSession(reader);
    if (reader.pos !== reader.len) throw new RangeError("Bytes follow the last reply");
    return session;
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read a session record of ${record.length} bytes: it must be whole and of format ` +
        `${FORMAT}`,
      { cause },
    );
  }
}

/** Whether {@linkcode decodeSession} can read the record. */
export function isSessionRecord(record: Uint8Array): boolean {
  try {
    decodeSession(record);
    return true;
  } catch {
    return false;
  }
}

function readSession(reader: BinaryReader): Session {
  const lastUsedMs = readNumber(reader);
  const mark = readNumber(reader);
  const session: Session = { lastUsedMs, mark, replies: new SequenceMap(), replyBytes: 0 };
  let sequence = mark;
  for (let left = reader.uint32(); left > 0; left--) {
    sequence += readNumber(reader);
    // A constructor copies where a Buffer's slice() would keep a view of the record.
    const reply = new Uint8Array(reader.bytes());
    session.replies.set(sequence, reply);
    session.replyBytes += reply.length;
  }
  return session;
}

/** @returns Where the next one goes */
function writeVarint(record: Buffer, value: number, at: number): number {
  let rest = value;
  let end = at;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) record[end++] = (rest % 0x80) | 0x80;
  record[end++] = rest;
  return end;
}

function readNumber(reader: BinaryReader): number {
  const value = Number(reader.uint64());
  if (!Number.isSafeInteger(value)) throw new RangeError(`The number ${value} is too large`);
  return value;
}
