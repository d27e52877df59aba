/**
 * The durable side of the log. Entries and hard state are in the journal; where the
 * log begins is a record in the engine. The journal is read at start only.
 *
 * Writes to the engine and to the journal are not ordered with each other, and need
 * not be. An entry is applied only once it is durable (raft/log/raft_log.ts). Journal
 * records are removed only once the engine durably holds a later start of the log,
 * and with it all that was applied up to there.
 */
import { invariant } from "../../../runtime/invariant.ts";
import { type Engine, EngineError, type Write } from "../../../storage/engine.ts";
import type { Journal } from "../../../storage/journal/journal.ts";
import { appliedKey, nodeKey } from "../../../storage/key_space.ts";
import type { Entry, HardState, LogIndex, SnapshotMeta, Term } from "../../types.ts";
import { type AppliedState, decodeApplied } from "../members/roster_codec.ts";
import { baseWrite, decodeBase, EMPTY_BASE, type LogBase } from "./log_base.ts";
import { decodeLogRecord, encodeLogRecord, type LogRecord } from "./log_record.ts";

/** Where the machine's data is until the first snapshot is installed. */
export const FIRST_GENERATION = 1;

/** What a node knows at start. */
export interface StoredState {
  readonly hardState: HardState;
  readonly logStart: { readonly index: LogIndex; readonly term: Term };
  readonly entries: readonly Entry[];
  readonly generation: number;
  /** What the machine's data stands for; undefined in a fresh engine. */
  readonly applied: AppliedState | undefined;
}

/** Entries of one record of the journal that no later one has replaced. */
interface Run {
  readonly sequence: number;
  readonly first: LogIndex;
}

export class LogStore {
  readonly #journal: Journal;
  #base: LogBase;
  /** The latest given to be saved. */
  #hardState: HardState;
  /** Index of the last entry given to be saved. Invariant: #base.index <= #last. */
  #last: LogIndex;
  /** Where entries behind the start are, in order. */
  #runs: Run[];
  /** The newest record that is durable. */
  #written: number;

  private constructor(journal: Journal, base: LogBase, log: LoadedLog) {
    this.#journal = journal;
    this.#base = base;
    this.#hardState = log.hardState;
    this.#last = base.index + log.entries.length;
    this.#runs = log.runs;
    this.#written = journal.newest;
  }

  /**
   * Reads everything back.
   *
   * @throws {EngineError} With kind "corruption" if what is there cannot be what was written
   */
  static async load(engine: Engine): Promise<{ store: LogStore; state: StoredState }> {
    const [baseBytes, generationBytes] = await engine.getMany([
      nodeKey("logStart"),
      nodeKey("generation"),
    ]);
    const { journal } = engine;
    const base = loadBase(baseBytes, journal);
    const generation = decodeGeneration(generationBytes);
    const applied = loadApplied(await engine.get(appliedKey(generation)));
    const log = await loadLog(journal, base);
    checkStored(base, log, applied);
    const { hardState, entries } = log;
    const logStart = { index: base.index, term: base.term };
    return {
      store: new LogStore(journal, base, log),
      state: { hardState, logStart, entries, generation, applied },
    };
  }

  /** Index before the first entry. */
  get start(): LogIndex {
    return this.#base.index;
  }

  /**
   * Saves a hard state, the one before if undefined, and entries; whatever was
   * at or behind the first of them goes. Calls must not overlap.
   *
   * @returns Resolves once both are durable
   */
  async save(hardState: HardState | undefined, entries: readonly Entry[]): Promise<void> {
    this.#hardState = hardState ?? this.#hardState;
    const sequence = this.#journal.newest + 1;
    const first = entries[0];
    if (first !== undefined) {
      invariant(
        first.index > this.#base.index && first.index <= this.#last + 1,
        () => `Entries from ${first.index} must follow the log ${this.#base.index}..${this.#last}`,
      );
      addRun(this.#runs, { sequence, first: first.index });
      this.#last = first.index + entries.length - 1;
    }
    await this.#journal.append(encodeLogRecord({ hardState: this.#hardState, entries }));
    this.#written = sequence;
  }

  /**
   * Lets the log begin behind an entry that is applied.
   *
   * @returns The write that records it in the engine, to be made behind the
   *   machine's data, and the number below which journal records may be forgotten
   *   once that write is durable; undefined if the log begins there already
   */
  compact(
    index: LogIndex,
    termOf: (index: LogIndex) => Term | undefined,
  ): { readonly write: Write; readonly below: number } | undefined {
    if (index <= this.#base.index) return undefined;
    const term = termOf(index);
    invariant(term !== undefined, () => `The term of compacted entry ${index} must be known`);
    this.#base = { ...this.#base, index, term, written: this.#written };
    while (this.#nextRunHas(index + 1)) this.#runs.shift();
    if (index === this.#last) this.#runs = [];
    const below = Math.min(this.#runs[0]?.sequence ?? Infinity, this.#written);
    return { write: baseWrite(this.#base), below };
  }

  /** Whether the run behind the first holds `index` or begins before it, and is durable already. */
  #nextRunHas(index: LogIndex): boolean {
    const next = this.#runs[1];
    return next !== undefined && next.first <= index && next.sequence <= this.#written;
  }

  /**
   * Replaces the log and the machine's data by a staged snapshot. No save may
   * be under way.
   *
   * @param hardState What holds from then on, the one before if undefined
   * @returns What makes it so in the engine, as one batch
   */
  install(
    meta: SnapshotMeta,
    generation: number,
    hardState: HardState | undefined = this.#hardState,
  ): Write[] {
    const value = Buffer.alloc(4);
    value.writeUInt32BE(generation);
    // Entries behind the snapshot are saved next: until then nothing is committed there.
    const commit = Math.min(hardState.commit, meta.index);
    this.#hardState = { ...hardState, commit };
    this.#base = {
      index: meta.index,
      term: meta.term,
      since: this.#written + 1,
      written: this.#written,
      hardState: this.#hardState,
    };
    this.#last = meta.index;
    this.#runs = [];
    return [{ type: "put", key: nodeKey("generation"), value }, baseWrite(this.#base)];
  }
}

interface LoadedLog {
  readonly hardState: HardState;
  readonly entries: Entry[];
  readonly runs: Run[];
}

async function loadLog(journal: Journal, base: LogBase): Promise<LoadedLog> {
  let hardState = base.hardState;
  let last: LogIndex | undefined;
  const entries: Entry[] = [];
  const runs: Run[] = [];
  // Entries that were replaced later may lack those before them: the journal forgets whole files.
  let gap: string | undefined;
  for await (const { sequence, payload } of journal.records()) {
    if (sequence < base.since) continue;
    const record = decoded(sequence, payload);
    hardState = record.hardState;
    const first = record.entries[0]?.index;
    if (first === undefined) continue;
    const expected = (last ?? base.index) + 1;
    if (first > expected) {
      gap ??= `log entry ${expected} is missing, the next is ${first}`;
      continue;
    }
    gap = undefined;
    last = first + record.entries.length - 1;
    addRun(runs, { sequence, first });
    entries.length = Math.min(entries.length, Math.max(0, first - base.index - 1));
    // Copies, or every entry would keep a whole file in memory.
    for (const entry of record.entries) {
      if (entry.index > base.index) entries.push({ ...entry, data: Buffer.from(entry.data) });
    }
  }
  if (gap !== undefined) throw damaged(gap);
  if (last !== undefined && last < base.index) {
    throw damaged(`the log begins behind ${base.index}, its last entry is ${last}`);
  }
  return { hardState, entries, runs };
}

function addRun(runs: Run[], run: Run): void {
  while ((runs.at(-1)?.first ?? -1) >= run.first) runs.pop();
  runs.push(run);
}

function decoded(sequence: number, payload: Buffer): LogRecord {
  try {
    return decodeLogRecord(payload);
  } catch (error) {
    throw damaged(`record ${sequence} of the journal cannot be read`, error);
  }
}

function checkStored(
  base: LogBase,
  { hardState, entries }: LoadedLog,
  applied: AppliedState | undefined,
): void {
  const last = base.index + entries.length;
  const lastTerm = entries.at(-1)?.term ?? base.term;
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
  if (appliedIndex < base.index) {
    throw damaged(`the log starts behind ${base.index}, applied is only ${appliedIndex}`);
  }
}

function loadBase(bytes: Buffer | undefined, journal: Journal): LogBase {
  const base = bytes === undefined ? EMPTY_BASE : decodeBase(bytes);
  if (base === undefined) throw damaged("the log start record fails its checksum");
  if (journal.newest < base.written) {
    throw damaged(`the journal had ${base.written} records, the last one now is ${journal.newest}`);
  }
  return base;
}

function decodeGeneration(bytes: Buffer | undefined): number {
  if (bytes === undefined) return FIRST_GENERATION;
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

function damaged(what: string, cause?: unknown): EngineError {
  return new EngineError(
    "corruption",
    `Cannot trust the stored log: ${what}; wipe the directory and let the node rejoin as a new member`,
    { cause },
  );
}
