/**
 * What one record of the journal says about the log: the hard state, and
 * entries that come behind those before, or replace a conflicting suffix.
 *
 * | bytes | content |
 * |---|---|
 * | 8, 8, 8 | hard state: term, vote, commit index |
 * | 8 | index of the first entry |
 * | 13 + .. | each entry: term (8), kind (1), length of its data (4), data |
 *
 * Numbers are big-endian. The journal adds a checksum.
 */
import { readUint64, writeUint64 } from "../../../storage/key_space.ts";
import type { Entry, HardState, LogIndex } from "../../types.ts";

const HEAD_BYTES = 32;
/** Bytes before an entry's data. */
const ENTRY_HEAD_BYTES = 13;
const KIND_NORMAL = 0;
const KIND_CONF_CHANGE = 1;

export interface LogRecord {
  readonly hardState: HardState;
  /** Of consecutive indexes; may be empty. */
  readonly entries: readonly Entry[];
}

/** The parts of a record: data stays where it is, and is copied once, by the journal. */
export function encodeLogRecord({ hardState, entries }: LogRecord): Uint8Array[] {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  writeUint64(head, hardState.term, 0);
  writeUint64(head, hardState.vote, 8);
  writeUint64(head, hardState.commit, 16);
  writeUint64(head, entries[0]?.index ?? 0, 24);
  const parts: Uint8Array[] = [head];
  for (const { term, kind, data } of entries) {
    const entryHead = Buffer.allocUnsafe(ENTRY_HEAD_BYTES);
    writeUint64(entryHead, term, 0);
    entryHead[8] = kind === "normal" ? KIND_NORMAL : KIND_CONF_CHANGE;
    entryHead.writeUInt32BE(data.length, 9);
    parts.push(entryHead, data);
  }
  return parts;
}

/**
 * Reads a record; data are views of it.
 *
 * @throws {RangeError} If it is none
 */
export function decodeLogRecord(record: Buffer): LogRecord {
  const hardState = {
    term: readUint64(record, 0),
    vote: readUint64(record, 8),
    commit: readUint64(record, 16),
  };
  const first = readUint64(record, 24);
  const entries: Entry[] = [];
  for (let at = HEAD_BYTES; at < record.length;) {
    const entry = entryAt(record, at, first + entries.length);
    entries.push(entry);
    at += ENTRY_HEAD_BYTES + entry.data.length;
  }
  return { hardState, entries };
}

function entryAt(record: Buffer, at: number, index: LogIndex): Entry {
  const start = at + ENTRY_HEAD_BYTES;
  const kind = record[at + 8];
  const end = start + record.readUInt32BE(at + 9);
  if (end > record.length || (kind !== KIND_NORMAL && kind !== KIND_CONF_CHANGE)) {
    throw new RangeError(`Cannot read log entry ${index} at byte ${at} of ${record.length}`);
  }
  return {
    index,
    term: readUint64(record, at),
    kind: kind === KIND_NORMAL ? "normal" : "confChange",
    data: record.subarray(start, end),
  };
}
