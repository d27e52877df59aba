/**
 * The durable side of the log: builds the writes of a round, and reads
 * everything back at start. Between the two it is never read.
 *
 * Every record carries a CRC and the index is checked for continuity, because
 * the engine may skip damaged records without a word.
 */
import { crc32 } from "node:zlib";
import { type Engine, EngineError, type Write } from "../../storage/engine.ts";
import {
  appliedKey,
  logIndexOf,
  logKey,
  logRange,
  nodeKey,
  readUint64,
  writeUint64,
} from "../../storage/key_space.ts";
import { invariant } from "../../runtime/invariant.ts";
import type { Entry, HardState, LogIndex, SnapshotMeta, Term } from "../types.ts";
import { type AppliedState, decodeApplied } from "./roster_codec.ts";

/** Bytes before an entry's data: CRC-32, term, kind. */
const HEADER_BYTES = 13;
const KIND_NORMAL = 0;
const KIND_CONF_CHANGE = 1;
/** Entries read per call at start; keeps the buffers small whatever the log's size. */
const LOAD_ENTRIES_MAX = 1024;
/** Deletions that ride on one write, so that a long compaction does not delay it. */
const COMPACT_ENTRIES_MAX = 4096;

/** What a node knows at start. */
export interface StoredState {
  readonly hardState: HardState;
  readonly logStart: { readonly index: LogIndex; readonly term: Term };
  readonly entries: readonly Entry[];
  readonly generation: number;
  /** What the machine's data stands for; undefined in a fresh engine. */
  readonly applied: AppliedState | undefined;
}

export class LogStore {
  /** Index of the last record in the store once all writes built so far are done. */
  #last: LogIndex;
  /** Index before the first record, likewise. Invariant: #start <= #last. */
  #start: LogIndex;

  /** For a store that holds the entries `start + 1` to `last`; see {@linkcode LogStore.load}. */
  constructor(start: LogIndex, last: LogIndex) {
    this.#start = start;
    this.#last = last;
  }

  /**
   * Reads everything back.
   *
   * @throws {EngineError} With kind "corruption" if what is there cannot be what was written
   */
  static async load(engine: Engine): Promise<{ store: LogStore; state: StoredState }> {
    const [hardBytes, startBytes, generationBytes] = await engine.getMany([
      nodeKey("hardState"),
      nodeKey("logStart"),
      nodeKey("generation"),
    ]);
    const hardState = decodeHardState(hardBytes);
    const logStart = decodeLogStart(startBytes);
    const generation = decodeGeneration(generationBytes);
    const applied = loadApplied(await engine.get(appliedKey(generation)));
    const entries = await loadEntries(engine, logStart.index);
    checkStored(hardState, logStart, entries, applied);
    const last = logStart.index + entries.length;
    return {
      store: new LogStore(logStart.index, last),
      state: { hardState, logStart, entries, generation, applied },
    };
  }

  /** Writes that put entries into the log; whatever was at or behind the first of them goes. */
  append(entries: readonly Entry[]): Write[] {
    const first = entries[0];
    if (first === undefined) return [];
    invariant(
      first.index > this.#start && first.index <= this.#last + 1,
      () => `Entries from ${first.index} must follow the log ${this.#start}..${this.#last}`,
    );
    const writes: Write[] = entries.map(encodeEntryPut);
    const last = first.index + entries.length - 1;
    for (let index = last + 1; index <= this.#last; index++) {
      writes.push({ type: "del", key: logKey(index) });
    }
    this.#last = last;
    return writes;
  }

  saveHardState(state: HardState): Write {
    return { type: "put", key: nodeKey("hardState"), value: encodeHardState(state) };
  }

  /** Writes that drop entries up to `index`; at most a bounded number, call again for more. */
  compact(index: LogIndex, termOf: (index: LogIndex) => Term | undefined): Write[] {
    const end = Math.min(index, this.#start + COMPACT_ENTRIES_MAX);
    if (end <= this.#start) return [];
    const term = termOf(end);
    invariant(term !== undefined, () => `The term of compacted entry ${end} must be known`);
    const writes: Write[] = [this.#saveStart(end, term)];
    for (let i = this.#start + 1; i <= end; i++) writes.push({ type: "del", key: logKey(i) });
    this.#start = end;
    return writes;
  }

  /** Index before the first record once all writes built so far are done. */
  get start(): LogIndex {
    return this.#start;
  }

  /** Writes that make a staged generation the live one; the log begins anew behind the snapshot. */
  install(meta: SnapshotMeta, generation: number): Write[] {
    const value = Buffer.alloc(4);
    value.writeUInt32BE(generation);
    const writes: Write[] = [
      { type: "put", key: nodeKey("generation"), value },
      this.#saveStart(meta.index, meta.term),
    ];
    for (let i = this.#start + 1; i <= this.#last; i++) {
      writes.push({ type: "del", key: logKey(i) });
    }
    this.#start = meta.index;
    this.#last = meta.index;
    return writes;
  }

  #saveStart(index: LogIndex, term: Term): Write {
    return { type: "put", key: nodeKey("logStart"), value: sealed([index, term]) };
  }
}

function encodeEntryPut(entry: Entry): Write {
  const value = Buffer.allocUnsafe(HEADER_BYTES + entry.data.length);
  const key = logKey(entry.index);
  writeUint64(value, entry.term, 4);
  value[12] = entry.kind === "normal" ? KIND_NORMAL : KIND_CONF_CHANGE;
  value.set(entry.data, HEADER_BYTES);
  value.writeUInt32BE(crc32(value.subarray(4), crc32(key)), 0);
  return { type: "put", key, value };
}

function decodeEntry(key: Buffer, value: Buffer): Entry {
  const index = logIndexOf(key);
  if (
    value.length < HEADER_BYTES || value.readUInt32BE(0) !== crc32(value.subarray(4), crc32(key))
  ) {
    throw damaged(`log entry ${index} fails its checksum`);
  }
  return {
    index,
    term: readUint64(value, 4),
    kind: value[12] === KIND_NORMAL ? "normal" : "confChange",
    data: value.subarray(HEADER_BYTES),
  };
}

async function loadEntries(engine: Engine, start: LogIndex): Promise<Entry[]> {
  const entries: Entry[] = [];
  const iterator = engine.iterate(logRange(start + 1));
  try {
    for (;;) {
      const pairs = await iterator.next(LOAD_ENTRIES_MAX);
      if (pairs.length === 0) return entries;
      for (const { key, value } of pairs) {
        const entry = decodeEntry(key, value);
        const expected = start + entries.length + 1;
        if (entry.index !== expected) {
          throw damaged(`log entry ${expected} is missing, the next is ${entry.index}`);
        }
        entries.push(entry);
      }
    }
  } finally {
    await iterator.close();
  }
}

function checkStored(
  hardState: HardState,
  logStart: { readonly index: LogIndex; readonly term: Term },
  entries: readonly Entry[],
  applied: AppliedState | undefined,
): void {
  const last = logStart.index + entries.length;
  const lastTerm = entries.at(-1)?.term ?? logStart.term;
  if (hardState.term < lastTerm) {
    throw damaged(`the term is ${hardState.term}, the log ends with an entry of term ${lastTerm}`);
  }
  const appliedIndex = applied?.index ?? 0;
  if (hardState.commit > last) {
    throw damaged(`entries up to ${hardState.commit} were committed, the log ends at ${last}`);
  }
  if (appliedIndex > last) {
    throw damaged(`entries up to ${appliedIndex} were applied, the log ends at ${last}`);
  }
  if (appliedIndex < logStart.index) {
    throw damaged(`the log starts behind ${logStart.index}, applied is only ${appliedIndex}`);
  }
}

function encodeHardState(state: HardState): Buffer {
  return sealed([state.term, state.vote, state.commit]);
}

function decodeHardState(bytes: Buffer | undefined): HardState {
  if (bytes === undefined) return { term: 0, vote: 0, commit: 0 };
  const [term = 0, vote = 0, commit = 0] = unsealed("hard state", bytes, 3);
  return { term, vote, commit };
}

function decodeGeneration(bytes: Buffer | undefined): number {
  if (bytes === undefined) return 1;
  if (bytes.length !== 4) throw damaged(`the generation record has ${bytes.length} bytes`);
  return bytes.readUInt32BE(0);
}

function loadApplied(bytes: Buffer | undefined): AppliedState | undefined {
  if (bytes === undefined) return undefined;
  try {
    return decodeApplied(bytes);
  } catch (error) {
    throw damaged("the record of what was applied cannot be read", error);
  }
}

function decodeLogStart(bytes: Buffer | undefined): { index: LogIndex; term: Term } {
  if (bytes === undefined) return { index: 0, term: 0 };
  const [index = 0, term = 0] = unsealed("log start", bytes, 2);
  return { index, term };
}

/** Numbers behind a CRC-32. */
function sealed(numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 + 8 * numbers.length);
  numbers.forEach((number, i) => writeUint64(bytes, number, 4 + 8 * i));
  bytes.writeUInt32BE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

function unsealed(name: string, bytes: Buffer, count: number): number[] {
  if (bytes.length !== 4 + 8 * count || bytes.readUInt32BE(0) !== crc32(bytes.subarray(4))) {
    throw damaged(`the ${name} record fails its checksum`);
  }
  return Array.from({ length: count }, (_, i) => readUint64(bytes, 4 + 8 * i));
}

function damaged(what: string, cause?: unknown): EngineError {
  return new EngineError(
    "corruption",
    `Cannot trust the stored log: ${what}; wipe the directory and let the node rejoin as a new member`,
    { cause },
  );
}
