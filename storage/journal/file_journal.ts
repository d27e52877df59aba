/** The journal of servers: files of records in a directory, the newest written to. */
import { asBuffer } from "../../runtime/buffers.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { invariant } from "../../runtime/invariant.ts";
import { createPrng, type Prng, randomSeed } from "../../runtime/prng.ts";
import { CallGate } from "../call_gate.ts";
import { makeDirectory, syncDirectory } from "../durable_directory.ts";
import { EngineError } from "../engine.ts";
import type { Journal, JournalRecord } from "./journal.ts";
import {
  damaged,
  firstOfName,
  parseSegment,
  Segment,
  type SegmentContent,
  segmentName,
} from "./journal_segment.ts";
import { AdaptiveSyncPolicy, type SyncPolicy } from "./sync_policy.ts";

export interface FileJournalOptions {
  /**
   * Bytes from which on a file is followed by another. Files go whole, so that
   * up to this much is kept, and read at start, that nobody needs.
   *
   * @default {33_554_432}
   */
  readonly segmentBytes?: number;
  /** Draws salts of files. @default {one that nobody can foresee} */
  readonly prng?: Prng;
  /** @default {systemClock} */
  readonly clock?: Clock;
  /** Says where to wait for the disk. @default {on the event loop while the disk is quick} */
  readonly syncPolicy?: SyncPolicy;
}

const SEGMENT_BYTES_DEFAULT = 32 << 20;

/** One process at a time may have a directory open: whoever opens it sees to that. */
export class FileJournal implements Journal {
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #prng: Prng;
  readonly #clock: Clock;
  readonly #syncPolicy: SyncPolicy;
  readonly #gate: CallGate;
  /** The files before the active one, oldest first. */
  readonly #older: OlderFile[];
  /** Undefined until the first record. */
  #active: Segment | undefined;
  #newest: number;
  /** The newest that is durable. */
  #durable: number;
  /** What was found on opening, by file, until it is asked for: a start reads every file once. */
  #found: ReadonlyMap<number, readonly JournalRecord[]> | undefined;
  #forgetting: Promise<void> = Promise.resolve();
  #failure: { readonly reason: unknown } | undefined;
  #isAppending = false;

  /** Use {@linkcode FileJournal.open}. */
  private constructor(directory: string, found: FoundFiles, options: FileJournalOptions) {
    this.#directory = directory;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES_DEFAULT;
    this.#prng = options.prng ?? createPrng(randomSeed());
    this.#clock = options.clock ?? systemClock;
    this.#syncPolicy = options.syncPolicy ?? new AdaptiveSyncPolicy();
    this.#gate = new CallGate(`the journal '${directory}'`);
    this.#older = [...found.older];
    this.#newest = found.newest;
    this.#durable = found.newest;
    this.#found = found.records;
    if (found.active === undefined) return;
    this.#active = Segment.continue(this.#pathOf(found.active.first), found.active);
    // A process that was killed may not have come to it.
    syncDirectory(directory);
  }

  /**
   * Opens the journal in a directory, creating it if need be. What a power cut
   * has left of a record that was never acknowledged is cut off.
   *
   * @throws {EngineError} Of kind "corruption" if records are damaged or
   * missing, or else by cause
   */
  static async open(directory: string, options: FileJournalOptions = {}): Promise<FileJournal> {
    try {
      await makeDirectory(directory);
      // It is there: this finds out now whether Deno lets us write into it.
      await Deno.mkdir(directory, { recursive: true });
      return new FileJournal(directory, await findFiles(directory), options);
    } catch (cause) {
      throw asEngineError("open", directory, cause);
    }
  }

  get newest(): number {
    return this.#newest;
  }

  get bytes(): number {
    return this.#older.reduce((sum, { bytes }) => sum + bytes, this.#active?.bytes ?? 0);
  }

  append(payload: readonly Uint8Array[]): Promise<void> {
    return this.#gate.run(async () => {
      invariant(!this.#isAppending, "Records are appended one by one");
      if (this.#failure !== undefined) throw this.#failure.reason;
      this.#isAppending = true;
      this.#found = undefined;
      try {
        await this.#put(payload);
      } catch (cause) {
        this.#failure = { reason: asEngineError("write to", this.#directory, cause) };
        throw this.#failure.reason;
      } finally {
        this.#isAppending = false;
      }
    });
  }

  async *records(): AsyncGenerator<JournalRecord> {
    this.#gate.assertOpen();
    const found = this.#found;
    this.#found = undefined;
    const newest = this.#active?.first;
    const files = newest === undefined ? [] : [...this.#older.map(({ first }) => first), newest];
    for (const first of files) {
      yield* await this.#gate.run(async () => {
        try {
          return found?.get(first) ??
            (await readSegment(this.#directory, first, first === newest))?.records ?? [];
        } catch (cause) {
          throw asEngineError("read from", this.#directory, cause);
        }
      });
    }
  }

  forget(below: number): Promise<void> {
    return this.#gate.run(() => {
      const forgotten = this.#forgetting.then(() => this.#forget(below));
      this.#forgetting = forgotten.catch(() => {});
      return forgotten;
    });
  }

  /** Waits for calls under way; later ones reject. Safe to call again. */
  async close(): Promise<void> {
    const isFirst = !this.#gate.closed;
    await this.#gate.close();
    if (isFirst) this.#active?.close();
  }

  async #put(payload: readonly Uint8Array[]): Promise<void> {
    const sequence = this.#newest + 1;
    const segment = this.#segmentFor(sequence);
    const bytes = segment.put(sequence, payload);
    this.#newest = sequence;
    const startedAt = this.#clock.now();
    if (this.#syncPolicy.isOnLoop(bytes, startedAt)) {
      segment.syncNow();
      const endedAt = this.#clock.now();
      this.#syncPolicy.took(endedAt - startedAt, endedAt);
    } else {
      await segment.sync();
    }
    this.#durable = sequence;
  }

  #segmentFor(sequence: number): Segment {
    const active = this.#active;
    if (active !== undefined && active.bytes < this.#segmentBytes) return active;
    const next = Segment.begin(this.#pathOf(sequence), sequence, this.#prng.below(2 ** 32));
    this.#active = next;
    if (active !== undefined) {
      this.#older.push({ first: active.first, bytes: active.bytes });
      active.close();
    }
    syncDirectory(this.#directory);
    return next;
  }

  /** Removes files whose records are all below a number. */
  async #forget(below: number): Promise<void> {
    while (true) {
      const [oldest, next = this.#active] = this.#older;
      if (oldest === undefined || next === undefined) return;
      if (next.first > Math.min(below, this.#durable)) return;
      try {
        await Deno.remove(this.#pathOf(oldest.first));
        // In their order: of files that come back after a power cut none may lack the next.
        syncDirectory(this.#directory);
      } catch (cause) {
        throw asEngineError("remove from", this.#directory, cause);
      }
      this.#older.shift();
    }
  }

  #pathOf(first: number): string {
    return `${this.#directory}/${segmentName(first)}`;
  }
}

/** A file that is full, by its first record. */
interface OlderFile {
  readonly first: number;
  readonly bytes: number;
}

interface FoundFiles {
  readonly older: readonly OlderFile[];
  readonly active: SegmentContent | undefined;
  readonly newest: number;
  /** By the first number of their file. */
  readonly records: ReadonlyMap<number, readonly JournalRecord[]>;
}

/** Goes through all files, so that damage is found before anything is built on them. */
async function findFiles(directory: string): Promise<FoundFiles> {
  const firsts: number[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    const first = firstOfName(name);
    if (first !== undefined) firsts.push(first);
  }
  firsts.sort((a, b) => a - b);
  const records = new Map<number, readonly JournalRecord[]>();
  const older: OlderFile[] = [];
  let active: SegmentContent | undefined;
  for (const first of firsts) {
    const isNewest = first === firsts.at(-1);
    const content = await readSegment(directory, first, isNewest);
    const expected = active === undefined ? first : nextOf(active);
    if (first !== expected) {
      throw damaged(directory, `records ${expected} to ${first - 1} are missing`);
    }
    // The newest record is never removed: a file without any has one before it.
    if ((content?.records.length ?? 0) === 0 && first > 1 && active === undefined) {
      throw damaged(directory, `record ${first - 1} is missing`);
    }
    if (content === undefined) {
      await Deno.remove(`${directory}/${segmentName(first)}`);
      continue;
    }
    records.set(first, content.records);
    if (active !== undefined) older.push({ first: active.first, bytes: active.end });
    active = content;
  }
  const newest = active === undefined ? 0 : nextOf(active) - 1;
  return { older, active, newest, records };
}

async function readSegment(
  directory: string,
  first: number,
  isNewest: boolean,
): Promise<SegmentContent | undefined> {
  const path = `${directory}/${segmentName(first)}`;
  return parseSegment(asBuffer(await Deno.readFile(path)), { path, first, isNewest });
}

function nextOf({ first, records }: SegmentContent): number {
  return first + records.length;
}

function asEngineError(action: string, directory: string, cause: unknown): EngineError {
  if (cause instanceof EngineError) return cause;
  const kind = isDiskFull(cause) ? "diskFull" : "io";
  const message = `Cannot ${action} the journal '${directory}': ${reasonOf(cause)}`;
  return new EngineError(kind, message, { cause });
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Deno.errors.NotCapable) return "grant --allow-read and --allow-write for it";
  const what = isDiskFull(cause) ? "the disk is full" : "the disk or the file system refused";
  return `${what} (${cause instanceof Error ? cause.message : cause})`;
}

/** The runtime has no error of its own for it. */
function isDiskFull(cause: unknown): boolean {
  return cause instanceof Error && /os error 28\b/.test(cause.message);
}
