/**
 * Writes the core's rounds to the engine, one durable write at a time; the
 * rounds that come meanwhile share the next one (group commit).
 */
import type { Clock } from "../../runtime/clock.ts";
import { invariant } from "../../runtime/invariant.ts";
import type { Engine, Write } from "../../storage/engine.ts";
import { appliedKey, generationRange } from "../../storage/key_space.ts";
import type { Ready } from "../ready.ts";
import type { HardState, LogIndex, SnapshotMeta, Term } from "../types.ts";
import type { Applier } from "./applier.ts";
import { pass, passAtOnce } from "./failpoints.ts";
import type { NodeIdentity } from "./identity.ts";
import type { LiveGeneration } from "./live_generation.ts";
import type { LogStore } from "./log_store.ts";
import type { RaftMetrics } from "./raft_metrics.ts";
import type { Roster } from "./roster.ts";
import { decodeApplied } from "./roster_codec.ts";
import type { StateMachine } from "./state_machine.ts";

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
  /** A snapshot is about to replace the log: nothing else may change it. */
  #installing = false;

  constructor(options: PersisterOptions) {
    this.#options = options;
  }

  /** Rounds wait, or a write is under way: later rounds must queue behind them. */
  get hasPending(): boolean {
    return this.#pending.length > 0 || this.#running !== undefined;
  }

  /** Rounds must be given in the core's order, those with nothing to write too. */
  enqueue(round: Round): void {
    this.#pending.push(round);
  }

  /** Starts writing what is pending, unless a write is under way. */
  start(): void {
    if (this.#pending.length === 0 || this.#stopped) return;
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /**
   * Drops log records up to `index` or a little less, once enough can go. Safe
   * to lose, so not synced.
   *
   * @returns The index that was dropped up to, or undefined if it was not worth a write
   */
  compact(
    index: LogIndex,
    termOf: (index: LogIndex) => Term | undefined,
  ): { readonly index: LogIndex; readonly done: Promise<void> } | undefined {
    const { store, retainedEntriesMax } = this.#options;
    const stride = Math.max(1, Math.min(COMPACT_ENTRIES_MIN, retainedEntriesMax));
    if (this.#installing || index - store.start < stride) return undefined;
    const writes = store.compact(index, termOf);
    return { index: store.start, done: this.#drop(writes) };
  }

  /** Hands the write over at once: it must not come behind that of a later round. */
  async #drop(writes: readonly Write[]): Promise<void> {
    const { engine, identity } = this.#options;
    passAtOnce("raft/beforeCompact", identity);
    await engine.write(writes, { sync: false });
    await pass("raft/afterCompact", identity);
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.length > 0 && !this.#stopped) {
        const rounds = this.#pending;
        this.#pending = [];
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
    const { engine, applier, identity, clock, metrics } = this.#options;
    const installation = rounds.findLast((round) => round.installation)?.installation;
    if (installation !== undefined) {
      this.#installing = true;
      await applier.pause();
    }
    const writes = rounds.flatMap((round) => this.#writesOf(round));
    const hardState = lastHardState(rounds);
    if (hardState !== undefined) writes.push(this.#options.store.saveHardState(hardState));
    if (writes.length > 0) {
      const isInstall = installation !== undefined;
      const before = pass(isInstall ? "raft/beforeInstall" : "raft/beforeSave", identity);
      if (before !== undefined) await before;
      const startedAt = clock.now();
      await engine.write(writes, { sync: true });
      metrics.synced(clock.now() - startedAt);
      const after = pass(isInstall ? "raft/afterInstall" : "raft/afterSave", identity);
      if (after !== undefined) await after;
    }
    if (installation !== undefined) await this.#makeLive(installation);
  }

  #writesOf({ ready, installation }: Round): Write[] {
    const { store } = this.#options;
    invariant(
      (ready.snapshot === undefined) === (installation === undefined),
      "A round with a snapshot comes with its staged generation",
    );
    const writes = installation === undefined
      ? []
      : store.install(installation.meta, installation.generation);
    writes.push(...store.append(ready.entries));
    return writes;
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

function lastHardState(rounds: readonly Round[]): HardState | undefined {
  return rounds.findLast(({ ready }) => ready.hardState !== undefined)?.ready.hardState;
}
