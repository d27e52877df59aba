/** Where the log begins: a record in the engine, written in order with the machine's data. */
import { crc32 } from "node:zlib";
import type { Write } from "../../../storage/engine.ts";
import { nodeKey, readUint64, writeUint64 } from "../../../storage/key_space.ts";
import type { HardState, LogIndex, Term } from "../../types.ts";

export interface LogBase {
  /** Of the entry before the first. */
  readonly index: LogIndex;
  readonly term: Term;
  /**
   * Number of the first journal record of this log: earlier ones belong to a log
   * that a snapshot has replaced.
   */
  readonly since: number;
  /**
   * Number of a journal record that is known to be durable: a journal that ends
   * earlier is not the one that was written.
   */
  readonly written: number;
  /** The hard state, as long as no journal record of this log holds a later one. */
  readonly hardState: HardState;
}

/** What a new node begins with. */
export const EMPTY_BASE: LogBase = {
  index: 0,
  term: 0,
  since: 1,
  written: 0,
  hardState: { term: 0, vote: 0, commit: 0 },
};

const NUMBERS = 7;
const CHECKSUM_BYTES = 4;

export function baseWrite({ index, term, since, written, hardState }: LogBase): Write {
  const { term: hardTerm, vote, commit } = hardState;
  const numbers = [index, term, since, written, hardTerm, vote, commit];
  const value = Buffer.allocUnsafe(CHECKSUM_BYTES + 8 * NUMBERS);
  numbers.forEach((number, i) => writeUint64(value, number, CHECKSUM_BYTES + 8 * i));
  value.writeUInt32BE(crc32(value.subarray(CHECKSUM_BYTES)), 0);
  return { type: "put", key: nodeKey("logStart"), value };
}

/** Undefined if the record is damaged. */
export function decodeBase(bytes: Buffer): LogBase | undefined {
  const isSound = bytes.length === CHECKSUM_BYTES + 8 * NUMBERS &&
    bytes.readUInt32BE(0) === crc32(bytes.subarray(CHECKSUM_BYTES));
  if (!isSound) return undefined;
  const at = (i: number) => readUint64(bytes, CHECKSUM_BYTES + 8 * i);
  return {
    index: at(0),
    term: at(1),
    since: at(2),
    written: at(3),
    hardState: { term: at(4), vote: at(5), commit: at(6) },
  };
}
