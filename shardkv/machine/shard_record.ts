/**
 * A shard in a group, in memory and as the record under its number:
 * status u8, incarnation u32, keys u64, bytes u64, changes u64, change bytes u64,
 * cursor (the rest).
 */
import { SessionTable } from "../../raft/node/sessions/session_table.ts";
import { readUint64, writeUint64 } from "../../storage/key_space.ts";
import type { Stay } from "./machine_keys.ts";
import { type ShardStatus, statusByte, statusOfByte } from "./shard_status.ts";

/** What the machine knows of a shard it holds. */
export interface Shard extends Stay {
  status: ShardStatus;
  /**
   * While Pulling: key within the source's shard of the last record or change
   * that is here; empty for none. Invariant: never goes back.
   */
  cursor: Uint8Array;
  /** Number of user keys. Exact: kept with every write. */
  keys: number;
  /** Bytes of user keys and values together. Exact: kept with every write. */
  bytes: number;
  /** Number of the latest change in its change log; 0 for none. */
  changes: number;
  /** Bytes of the change log's keys and values. */
  changeBytes: number;
  /** Writes answered, for the shard's keys only: it travels with the shard. */
  readonly sessions: SessionTable;
}

const NO_BYTES = new Uint8Array();
const HEAD_BYTES = 37;

/** A shard with nothing in it. */
export function emptyShard(shard: number, incarnation: number, status: ShardStatus): Shard {
  const sessions = new SessionTable();
  const figures = { keys: 0, bytes: 0, changes: 0, changeBytes: 0 };
  return { shard, incarnation, status, cursor: NO_BYTES, ...figures, sessions };
}

export function encodeShard(shard: Shard): Buffer {
  const record = Buffer.allocUnsafe(HEAD_BYTES + shard.cursor.length);
  record[0] = statusByte(shard.status);
  record.writeUInt32BE(shard.incarnation, 1);
  writeUint64(record, shard.keys, 5);
  writeUint64(record, shard.bytes, 13);
  writeUint64(record, shard.changes, 21);
  writeUint64(record, shard.changeBytes, 29);
  record.set(shard.cursor, HEAD_BYTES);
  return record;
}

/**
 * Reads what {@linkcode encodeShard} wrote; the sessions have records of their own.
 *
 * @throws {SyntaxError} If the record makes no sense
 */
export function decodeShard(shard: number, record: Buffer): Shard {
  if (record.length < HEAD_BYTES) {
    throw new SyntaxError(
      `Cannot read the record of shard ${shard}: ${record.length} bytes are too few`,
    );
  }
  return {
    shard,
    status: statusOfByte(record[0] as number),
    incarnation: record.readUInt32BE(1),
    keys: readUint64(record, 5),
    bytes: readUint64(record, 13),
    changes: readUint64(record, 21),
    changeBytes: readUint64(record, 29),
    cursor: new Uint8Array(record.subarray(HEAD_BYTES)),
    sessions: new SessionTable(),
  };
}
