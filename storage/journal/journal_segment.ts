/**
 * One file of a journal: a header, then records (journal_record.ts).
 *
 * | bytes | content |
 * |---|---|
 * | 8 | "journal" and the version of this layout |
 * | 8 | number of the first record |
 * | 4 | salt of the records' checksums, drawn for each file |
 * | 4 | CRC-32 of the bytes before |
 *
 * Files are named by their first record, so that names sort as records do.
 */
import { crc32 } from "node:zlib";
import { EngineError } from "../engine.ts";
import { readUint64, writeUint64 } from "../key_space.ts";
import type { JournalRecord } from "./journal.ts";
import { encodeRecord, findRecord } from "./journal_record.ts";

const MAGIC = Buffer.from("journal\x01", "latin1");
const HEADER_BYTES = 24;
const NAME = /^(\d{16})\.journal$/;

/** What a file was found to hold. */
export interface SegmentContent {
  readonly first: number;
  readonly salt: number;
  readonly records: readonly JournalRecord[];
  /** Bytes up to the end of the last record; what is behind was never acknowledged. */
  readonly end: number;
}

export function segmentName(first: number): string {
  return `${String(first).padStart(16, "0")}.journal`;
}

/** The number of the first record by a file's name; undefined if it is none of ours. */
export function firstOfName(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Reads a file's content.
 *
 * @param path For messages
 * @param first The number of its first record
 * @param isNewest Whether a power cut can have hit it: only the newest file's end
 * @returns Undefined if not even the header came to be written
 * @throws {EngineError} Of kind "corruption" if it is not as it was written
 */
export function parseSegment(
  file: Buffer,
  { path, first, isNewest }: {
    readonly path: string;
    readonly first: number;
    readonly isNewest: boolean;
  },
): SegmentContent | undefined {
  if (isNewest && isUnbegun(file)) return undefined;
  const salt = saltOf(file, first);
  if (salt === undefined) throw damaged(path, "its header is not as it was written");
  const records: JournalRecord[] = [];
  let end = HEADER_BYTES;
  while (true) {
    const sequence = first + records.length;
    const found = findRecord(file, end, sequence, salt);
    if (found.kind === "record") {
      records.push(found.record);
      end = found.end;
    } else if (found.kind === "damage" || (end < file.length && !isNewest)) {
      throw damaged(path, `record ${sequence} at byte ${end} is not as it was written`);
    } else {
      return { first, salt, records, end };
    }
  }
}

/** What is told of files that cannot be what was written. */
export function damaged(path: string, what: string): EngineError {
  return new EngineError(
    "corruption",
    `Cannot open the journal '${path}': ${what}; ` +
      "wipe the directory and let the node rejoin as a new member",
  );
}

/** A file that records are put into. */
export class Segment {
  readonly first: number;
  readonly #salt: number;
  readonly #file: Deno.FsFile;
  #bytes: number;

  constructor(
    file: Deno.FsFile,
    { first, salt, bytes }: {
      readonly first: number;
      readonly salt: number;
      readonly bytes: number;
    },
  ) {
    this.first = first;
    this.#file = file;
    this.#salt = salt;
    this.#bytes = bytes;
  }

  /**
   * Begins a file for records from `first` on. Its name is durable once the
   * directory is synced.
   *
   * @param salt 32 bits that no client can know
   */
  static begin(path: string, first: number, salt: number): Segment {
    const file = Deno.openSync(path, { createNew: true, write: true });
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    writeUint64(header, first, 8);
    header.writeUInt32BE(salt, 16);
    header.writeUInt32BE(crc32(header.subarray(0, 20)), 20);
    try {
      writeAll(file, header);
      // Before any record: a header that is damaged then cannot be one that was never written.
      file.syncDataSync();
    } catch (error) {
      file.close();
      throw error;
    }
    return new Segment(file, { first, salt, bytes: HEADER_BYTES });
  }

  /** Goes on behind the last record of a file; whatever is there is cut off. */
  static continue(path: string, { first, salt, end }: SegmentContent): Segment {
    const file = Deno.openSync(path, { write: true });
    file.truncateSync(end);
    file.seekSync(0, Deno.SeekMode.End);
    file.syncSync();
    return new Segment(file, { first, salt, bytes: end });
  }

  /** Bytes of the file. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns Bytes of the record */
  put(sequence: number, payload: readonly Uint8Array[]): number {
    const record = encodeRecord(sequence, payload, this.#salt);
    writeAll(this.#file, record);
    this.#bytes += record.length;
    return record.length;
  }

  /** Makes everything put so far durable, beside the event loop. */
  sync(): Promise<void> {
    return this.#file.syncData();
  }

  /** As {@linkcode Segment.sync}, while the event loop waits. */
  syncNow(): void {
    this.#file.syncDataSync();
  }

  close(): void {
    this.#file.close();
  }
}

/** The file was made, and the power went before anything in it was acknowledged. */
function isUnbegun(file: Buffer): boolean {
  return file.length < HEADER_BYTES || file.every((byte) => byte === 0);
}

function saltOf(file: Buffer, first: number): number | undefined {
  if (file.length < HEADER_BYTES) return undefined;
  const isSound = file.subarray(0, MAGIC.length).equals(MAGIC) && readUint64(file, 8) === first &&
    file.readUInt32BE(20) === crc32(file.subarray(0, 20));
  return isSound ? file.readUInt32BE(16) : undefined;
}

/** Written at once and not later: it only reaches the page cache, which takes microseconds. */
function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}
