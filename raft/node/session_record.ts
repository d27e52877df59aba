/**
 * One client's session as it is stored and as it travels with a shard:
 *
 * | bytes | content |
 * |---|---|
 * | 1 | format, 1 |
 * | 8 | log time of the last use, milliseconds |
 * | 8 | mark: every sequence number below it was answered |
 * | 4 | number of replies |
 * | each: 8, 4, n | sequence number, length, reply; in ascending order of the number |
 */
import { readUint64, writeUint64 } from "../../storage/key_space.ts";

/** What is remembered of one client. */
export interface Session {
  lastUsedMs: number;
  /** Every sequence number below it has been answered. Invariant: no reply is kept below it. */
  mark: number;
  readonly replies: Map<number, Uint8Array>;
  /** Invariant: sum of the lengths of `replies`. */
  replyBytes: number;
}

const FORMAT = 1;
const HEAD_BYTES = 21;
const REPLY_HEAD_BYTES = 12;

/** Length of a record with `replies` replies of `replyBytes` bytes together. */
export function sessionRecordBytes(replies: number, replyBytes: number): number {
  return HEAD_BYTES + replies * REPLY_HEAD_BYTES + replyBytes;
}

export function encodeSession(session: Session): Buffer {
  const record = Buffer.allocUnsafe(sessionRecordBytes(session.replies.size, session.replyBytes));
  record[0] = FORMAT;
  writeUint64(record, session.lastUsedMs, 1);
  writeUint64(record, session.mark, 9);
  record.writeUInt32BE(session.replies.size, 17);
  let offset = HEAD_BYTES;
  // Ordered, so that equal sessions have equal records on every replica.
  for (const sequence of sortedKeys(session.replies)) {
    const reply = session.replies.get(sequence) ?? new Uint8Array();
    writeUint64(record, sequence, offset);
    record.writeUInt32BE(reply.length, offset + 8);
    record.set(reply, offset + REPLY_HEAD_BYTES);
    offset += REPLY_HEAD_BYTES + reply.length;
  }
  return record;
}

/**
 * Reads what {@linkcode encodeSession} wrote; keeps no view of it.
 *
 * @throws {SyntaxError} If the record makes no sense
 */
export function decodeSession(record: Uint8Array): Session {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  if (record.length < HEAD_BYTES || record[0] !== FORMAT) throw badRecord(record);
  const session: Session = {
    lastUsedMs: readUint64(record, 1),
    mark: readUint64(record, 9),
    replies: new Map(),
    replyBytes: 0,
  };
  let offset = HEAD_BYTES;
  for (let left = view.getUint32(17); left > 0; left--) {
    if (offset + REPLY_HEAD_BYTES > record.length) throw badRecord(record);
    const length = view.getUint32(offset + 8);
    const end = offset + REPLY_HEAD_BYTES + length;
    if (end > record.length) throw badRecord(record);
    // A constructor copies where a Buffer's slice() would keep a view of the record.
    const reply = new Uint8Array(record.subarray(offset + REPLY_HEAD_BYTES, end));
    session.replies.set(readUint64(record, offset), reply);
    session.replyBytes += length;
    offset = end;
  }
  if (offset !== record.length) throw badRecord(record);
  return session;
}

function sortedKeys(replies: ReadonlyMap<number, Uint8Array>): number[] {
  const keys = [...replies.keys()];
  const sorted = keys.every((key, i) => i === 0 || (keys[i - 1] as number) < key);
  return sorted ? keys : keys.sort((a, b) => a - b);
}

function badRecord(record: Uint8Array): SyntaxError {
  return new SyntaxError(
    `Cannot read a session record of ${record.length} bytes in format ${record[0]}: ` +
      `it must be a whole record in format ${FORMAT}`,
  );
}
