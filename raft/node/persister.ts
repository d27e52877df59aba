/**
 * Writes the core's rounds to the log, one durable write at a time; the rounds
 * that come meanwhile share the next one (group commit).
 */
import type { Clock } from "../../runtime/clock.ts";
import { invariant } from "../../runtime/invariant.ts";
import type { Engine, Write } from "../../storage/engine.ts";
import { appliedKey, generationRange } from "../../storage/key_space.ts";
import type { Ready } from "../ready.ts";
import type { Entry, HardState, LogIndex, SnapshotMeta, Term } from "../types.ts";
import type { Applier } from "./apply/applier.ts";
import type { LiveGeneration } from "./apply/live_generation.ts";
import type { StateMachine } from "./apply/state_machine.ts";
import { pass, passAtOnce } from "./failpoints.ts";
import type { LogStore } from "./log/log_store.ts";
import type { NodeIdentity } from "./members/identity.ts";
import { decodeApplied } from "./members/roster_codec.ts";
import type { Roster } from "./members/roster.ts";
import type { RaftMetrics } from "./raft_metrics.ts";

/** Compaction waits until this many entries can go, so that it is not done entry by entry. */
const COMPACT_ENTRIES_MIN = 256;

/** A snapshot that a round makes live. */
export interface Installation {
  readonly meta: SnapshotMeta;
  readonly generation: number;
}

/** A round as the core gave it, and the staged snapshot it speaks of. */
export interface Round {
  readonly ready: Ready;
  readonly installation: Installation | undefined;
}

export interface PersisterOptions {
  readonly identity: NodeIdentity;
  readonly engine: Engine;
  readonly store: LogStore;
  readonly machine: StateMachine;
  readonly generation: LiveGeneration;
  readonly applier: Applier;
  readonly clock: Clock;
  readonly metrics: RaftMetrics;
  /** Log entries that are kept: a log that is to be short is not let grow by a whole stride. */
  readonly retainedEntriesMax: number;
  readonly onPersisted: (rounds: readonly Round[]) => void;
  /** A snapshot has become live, and with it the members of its index. */
  readonly onInstalled: (roster: Roster) => void;
  readonly onFatal: (error: unknown) => void;
}

export class Persister {
  readonly #options: PersisterOptions;
  #pending: Round[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;
  /** When the write under way began. */
  #writingSince = 0;
  /** A snapshot is about to replace the log: nothing else may change it. */
  #installing = false;

  constructor(options: PersisterOptions) {
    this.#options = options;
  }

  /** Rounds wait, or a write is under way: later rounds must queue behind them. */
  get hasPending(): boolean {
    return this.#pending.length > 0 || this.#running !== undefined;
  }

  /** Rounds wait, and only {@linkcode start} has them written. */
  get isDue(): boolean {
    return this.#pending.length > 0 && this.#running === undefined;
  }

  /** Milliseconds since the write under way began; 0 if there is none. */
  get writingMs(): number {
    return this.#running === undefined ? 0 : this.#options.clock.now() - this.#writingSince;
  }

  /** Rounds must be given in the core's order, those with nothing to write too. */
  enqueue(round: Round): void {
    this.#pending.push(round);
  }

  /** Starts writing what is pending, unless a write is under way. */
  start(): void {
    if (!this.isDue || this.#stopped) return;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /**
   * Lets the log begin at `index` or a little before, once enough can go. What
   * was applied up to there is made durable on the way, so that a restart never
   * replays more than this much and what was retained.
   *
   * @returns The index it begins at, or undefined if it was not worth a write
   */
  compact(
    index: LogIndex,
    termOf: (index: LogIndex) => Term | undefined,
  ): { readonly index: LogIndex; readonly done: Promise<void> } | undefined {
    const { store, retainedEntriesMax } = this.#options;
    const stride = Math.max(1, Math.min(COMPACT_ENTRIES_MIN, retainedEntriesMax));
    if (this.#installing || index - store.start < stride) return undefined;
    const compacted = store.compact(index, termOf);
    return compacted && { index, done: this.#drop(compacted) };
  }

  /** Hands the write over at once: it must not come behind that of a later round. */
  async #drop({ write, below }: { write: Write; below: number }): Promise<void> {
    const { engine, identity } = this.#options;
    passAtOnce("raft/beforeCompact", identity);
    await engine.write([write], { sync: true });
    await engine.journal.forget(below);
    await pass("raft/afterCompact", identity);
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.length > 0 && !this.#stopped) {
        const rounds = this.#pending;
        this.#pending = [];
        this.#writingSince = this.#options.clock.now();
        await this.#write(rounds);
        this.#options.onPersisted(rounds);
      }
    } catch (error) {
      this.#stopped = true;
      this.#options.onFatal(error);
    } finally {
      this.#running = undefined;
    }
  }

  async #write(rounds: readonly Round[]): Promise<void> {
    const { store } = this.#options;
    const installing = rounds.findLastIndex(({ installation }) => installation !== undefined);
    const installation = rounds[installing]?.installation;
    const hardState = lastHardState(rounds);
    if (installation !== undefined) await this.#install(installation, hardState);
    // Entries of rounds before a snapshot are gone with the log that it replaces.
    const entries = entriesOf(rounds.slice(Math.max(0, installing)));
    if (entries.length > 0 || hardState !== undefined) {
      await this.#save("Save", () => store.save(hardState, entries));
    }
    if (installation === undefined) return;
    await this.#makeLive(installation);
    for (const { installation: passedOver } of rounds.slice(0, installing)) {
      if (passedOver !== undefined) {
        this.#clear(passedOver.generation).catch(this.#options.onFatal);
      }
    }
  }

  async #install({ meta, generation }: Installation, hardState?: HardState): Promise<void> {
    const { engine, applier, store } = this.#options;
    this.#installing = true;
    await applier.pause();
    const writes = store.install(meta, generation, hardState);
    await this.#save("Install", () => engine.write(writes, { sync: true }));
  }

  async #save(what: "Save" | "Install", write: () => Promise<void>): Promise<void> {
    const { identity, clock, metrics } = this.#options;
    const before = pass(`raft/before${what}`, identity);
    if (before !== undefined) await before;
    const startedAt = clock.now();
    await write();
    metrics.synced(clock.now() - startedAt);
    const after = pass(`raft/after${what}`, identity);
    if (after !== undefined) await after;
  }

  async #makeLive({ meta, generation }: Installation): Promise<void> {
    const { engine, machine, applier, onInstalled, onFatal } = this.#options;
    const live = this.#options.generation;
    const old = live.number;
    const { roster } = decodeApplied(await appliedRecord(engine, generation));
    await live.switchTo(generation, (reader) => machine.load(reader));
    this.#installing = false;
    applier.resume(meta.index, roster);
    onInstalled(roster);
    this.#clear(old).catch(onFatal);
  }

  async #clear(generation: number): Promise<void> {
    const { engine, identity } = this.#options;
    await pass("raft/beforeClear", identity);
    await engine.clearRange(generationRange(generation));
    await pass("raft/afterClear", identity);
  }
}

async function appliedRecord(engine: Engine, generation: number): Promise<Buffer> {
  const record = await engine.get(appliedKey(generation));
  invariant(record !== undefined, "Every snapshot begins with the record of what it stands for");
  return record;
}

/** All entries, less those that a later round replaces. */
function entriesOf(rounds: readonly Round[]): Entry[] {
  const entries: Entry[] = [];
  for (const { ready } of rounds) {
    const first = ready.entries[0]?.index ?? Infinity;
    while ((entries.at(-1)?.index ?? -1) >= first) entries.pop();
    entries.push(...ready.entries);
  }
  return entries;
}

function lastHardState(rounds: readonly Round[]): HardState | undefined {
  return rounds.findLast(({ ready }) => ready.hardState !== undefined)?.ready.hardState;
}
