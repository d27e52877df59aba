/**
 * The log on a node's disk, read from the bytes as raft/node/log/log_record.ts and
 * raft/node/log/log_base.ts describe them, and by none of their code.
 */
import type { LogIndex, NodeId, Term } from "../../../raft/types.ts";
import type { StoredContent } from "../../../storage/memory_engine.ts";

export interface StoredHardState {
  readonly term: Term;
  readonly vote: NodeId;
  readonly commit: LogIndex;
}

/** Where the log begins. */
export interface StoredStart {
  /** The entry before the first. */
  readonly index: LogIndex;
  readonly term: Term;
  /** The first record of the journal that counts. */
  readonly since: number;
  /** What holds if none does. */
  readonly hardState: StoredHardState;
}

export interface StoredEntry {
  readonly index: LogIndex;
  readonly term: Term;
  /** Bytes of its data. */
  readonly size: number;
}

interface StoredRecord {
  readonly hardState: StoredHardState;
  readonly entries: readonly StoredEntry[];
}

/** Bytes before the entries of a record: term, vote, commit index, index of the first entry. */
const HEAD_BYTES = 32;
/** Bytes before an entry's data: term, kind, length. */
export const ENTRY_HEAD_BYTES = 13;

const parsed = new WeakMap<Buffer, StoredRecord>();

export function storedStart(content: StoredContent): StoredStart {
  const record = content.get(Buffer.from("\x01logStart"));
  if (record === undefined) {
    return { index: 0, term: 0, since: 1, hardState: { term: 0, vote: 0, commit: 0 } };
  }
  const at = (i: number) => uint64At(record, 4 + 8 * i);
  return {
    index: at(0),
    term: at(1),
    since: at(2),
    hardState: { term: at(4), vote: at(5), commit: at(6) },
  };
}

/** The hard state that the newest record says. */
export function storedHardState(content: StoredContent): StoredHardState {
  const { since, hardState } = storedStart(content);
  const newest = content.records.at(-1);
  if (newest === undefined || newest.sequence < since) return hardState;
  return recordOf(newest.payload).hardState;
}

/** Entries behind the log's start that nothing has replaced, the last one first. */
export function* storedEntries(content: StoredContent): Generator<StoredEntry> {
  const { index: start, since } = storedStart(content);
  let replaced = Infinity;
  for (let i = content.records.length - 1; i >= 0; i--) {
    const record = content.records[i];
    if (record === undefined || record.sequence < since) return;
    for (const entry of recordOf(record.payload).entries.toReversed()) {
      if (entry.index <= start) return;
      if (entry.index < replaced) yield entry;
      replaced = Math.min(replaced, entry.index);
    }
  }
}

function recordOf(payload: Buffer): StoredRecord {
  let record = parsed.get(payload);
  if (record === undefined) parsed.set(payload, record = parse(payload));
  return record;
}

function parse(payload: Buffer): StoredRecord {
  const hardState = {
    term: uint64At(payload, 0),
    vote: uint64At(payload, 8),
    commit: uint64At(payload, 16),
  };
  const first = uint64At(payload, 24);
  const entries: StoredEntry[] = [];
  for (let at = HEAD_BYTES; at < payload.length;) {
    const size = payload.readUInt32BE(at + 9);
    entries.push({ index: first + entries.length, term: uint64At(payload, at), size });
    at += ENTRY_HEAD_BYTES + size;
  }
  return { hardState, entries };
}

function uint64At(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
}
