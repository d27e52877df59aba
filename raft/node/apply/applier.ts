/**
 * Applies committed entries to the state machine, batch by batch. For each batch it
 * first reads what the commands will look at, then applies them in one go. The
 * changes of several batches are written to the engine together, with the applied
 * index, so that applying entries again after a crash does no harm, and a record
 * that many commands touch is written once. Proposers do not wait for that write.
 * Readers do: while any wait, it is made at once. The next batches are applied
 * meanwhile.
 */
import * as pb from "../../../proto/gen/raft.ts";
import { invariant } from "../../../runtime/invariant.ts";
import type { Engine } from "../../../storage/engine.ts";
import { machineKey } from "../../../storage/key_space.ts";
import type { Entry, LogIndex, Term } from "../../types.ts";
import { pass, passAtOnce } from "../failpoints.ts";
import type { NodeIdentity } from "../members/identity.ts";
import { appliedWrite, decodeChange } from "../members/roster_codec.ts";
import { changeRoster, type Roster, type RosterChange } from "../members/roster.ts";
import { ENTRY_VALUES_MAX } from "../requests/proposals.ts";
import type { ApplyLookout } from "./apply_lookout.ts";
import { BatchView } from "./batch_view.ts";
import { KnownLengths } from "./known_lengths.ts";
import type { LiveGeneration } from "./live_generation.ts";
import type { CommittedCommand, StateMachine } from "./state_machine.ts";

/** Entries of one batch. */
const BATCH_ENTRIES_MAX = 64;
/** Payload bytes of one batch; one entry always passes. */
const BATCH_BYTES_MAX = 4 << 20;
/** Values of keys that one batch reads; those of one entry always pass. */
const BATCH_VALUES_MAX = ENTRY_VALUES_MAX;
/** Entries that may be applied and not in the engine; with the next two it bounds replay and memory. */
const PENDING_ENTRIES_MAX = 64;
/**
 * Records whose changes may wait to be written to the engine. Writes should be
 * rare: each makes all puts since the last one share its cost, which is mostly that
 * of records they all touch, such as a shard's counts, and of cold caches
 * afterwards. But a large write delays others for long.
 */
const PENDING_RECORDS_MAX = 2_048;
/** Bytes of payloads, and of values, that may be applied and not in the engine. */
export const PENDING_BYTES_MAX = 1 << 20;
/**
 * Replicas apply the same entries and would all write to the engine at the same
 * moment. After a rest some of them make their first write sooner, and from then on
 * their writes stay apart.
 */
const STAGGERED_REPLICAS = 3;

/** An entry that has been applied, with one reply per proposal in it; a change of members has one. */
export interface AppliedEntry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly replies: readonly unknown[];
}

export interface ApplierOptions {
  readonly identity: NodeIdentity;
  readonly engine: Engine;
  readonly machine: StateMachine;
  readonly generation: LiveGeneration;
  /**
   * Secret of the hash by which keys are remembered (known_lengths.ts); known to
   * nobody else, or clients could choose keys that collide.
   */
  readonly secret: string;
  /** The members as of what is applied. */
  readonly roster: Roster;
  /**
   * Told how far the engine is, and asked at which entry to stop so that somebody
   * can look at the state.
   */
  readonly lookout: ApplyLookout;
  /** The members change with this entry; told before anything behind it is applied. */
  readonly onMembers: (index: LogIndex, change: RosterChange, roster: Roster) => void;
  /**
   * The outcome of these entries is decided, and proposers may be told: the entries
   * are durable in the log. The engine does not show their effect before
   * `onApplied`.
   */
  readonly onReplies: (entries: readonly AppliedEntry[]) => void;
  /** Everything up to `index` is in the engine. */
  readonly onApplied: (index: LogIndex) => void;
  /** Whether somebody waits for `onApplied`; asked after every batch. */
  readonly isAwaited: () => boolean;
  readonly onFatal: (error: unknown) => void;
  /** Payload bytes that may be applied and not in the engine. @default {1 MiB} */
  readonly pendingBytesMax?: number;
}

/** What has been applied and is not in the engine yet. */
interface Pending {
  readonly view: BatchView;
  entries: number;
  /** Of payloads. */
  bytes: number;
  last: { readonly index: LogIndex; readonly term: Term };
  /** Must survive a power cut, so the write is synced. */
  sync: boolean;
  /** Was already pending at the last tick, so it has waited long enough. */
  isOld: boolean;
}

export class Applier {
  readonly #options: ApplierOptions;
  readonly #known: KnownLengths;
  #queue: Entry[] = [];
  #pending: Pending | undefined;
  /** What is on its way to the engine; one write at a time. */
  #writing: { readonly view: BatchView; readonly done: Promise<void> } | undefined;
  #flushWanted = false;
  /** Pending records at which this replica makes its next write. */
  #recordsMax: number;
  #running: Promise<void> | undefined;
  #stopped = false;
  #paused = false;
  #roster: Roster;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#known = new KnownLengths({ secret: options.secret });
    this.#roster = options.roster;
    this.#recordsMax = this.#firstRecordsMax;
  }

  /** Queues entries; the core bounds how many bytes it hands out unapplied. */
  enqueue(entries: readonly Entry[]): void {
    for (const entry of entries) this.#queue.push(entry);
    this.#start();
  }

  /** Has everything that is applied written to the engine now, instead of with more to come. */
  flush(): void {
    if (this.#pending === undefined) return;
    this.#flushWanted = true;
    this.#start();
  }

  /** Has what is applied written if it was already waiting at the last tick. */
  tick(): void {
    if (this.#pending === undefined) return;
    if (this.#pending.isOld) this.flush();
    else this.#pending.isOld = true;
  }

  /** Lets the batch under way finish and holds the rest back until {@linkcode resume}. */
  async pause(): Promise<void> {
    this.#paused = true;
    await this.#running;
    await this.#writing?.done;
  }

  /** Goes on, past what a snapshot up to `index` has brought already, its members too. */
  resume(index: LogIndex, roster: Roster): void {
    this.#paused = false;
    this.#roster = roster;
    this.#pending = undefined;
    this.#flushWanted = false;
    this.#options.lookout.moveTo(index);
    this.#known.clear();
    this.#queue = this.#queue.filter((entry) => entry.index > index);
    this.#start();
  }

  /** Lets the batch under way finish and forgets the rest: the log has it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#writing?.done;
  }

  #start(): void {
    if (!this.#hasWork || this.#stopped || this.#paused) return;
    this.#running ??= this.#run();
  }

  get #firstRecordsMax(): number {
    const turn = 1 + this.#options.identity.nodeId % STAGGERED_REPLICAS;
    return Math.ceil(PENDING_RECORDS_MAX * turn / STAGGERED_REPLICAS);
  }

  get #hasWork(): boolean {
    return this.#queue.length > 0 || this.#mustFlush();
  }

  async #run(): Promise<void> {
    try {
      while (this.#hasWork && !this.#stopped && !this.#paused) {
        if (this.#mustFlush()) await this.#flush();
        else await this.#apply(this.#takeBatch());
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#running = undefined;
    }
  }

  #fail(error: unknown): void {
    this.#stopped = true;
    this.#options.onFatal(error);
  }

  #mustFlush(): boolean {
    const pending = this.#pending;
    if (pending === undefined) return false;
    const { pendingBytesMax = PENDING_BYTES_MAX, isAwaited } = this.#options;
    const { view, entries, bytes } = pending;
    return this.#flushWanted || entries >= PENDING_ENTRIES_MAX ||
      view.records >= this.#recordsMax || view.bytes >= PENDING_BYTES_MAX ||
      bytes >= pendingBytesMax || this.#isExclusive(pending) || isAwaited();
  }

  /**
   * Whether nothing further may be applied until this is in the engine and was
   * shown to those who look.
   */
  #isExclusive({ last, sync }: Pending): boolean {
    const { machine, lookout } = this.#options;
    return sync || machine.hasNews === true || lookout.stopsAt(last.index);
  }

  #takeBatch(): Entry[] {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#queue) {
      if (count >= BATCH_ENTRIES_MAX) break;
      if (count > 0 && bytes + entry.data.length > BATCH_BYTES_MAX) break;
      bytes += entry.data.length;
      count++;
      if (this.#options.lookout.stopsAt(entry.index)) break;
    }
    return this.#queue.splice(0, count);
  }

  async #apply(batch: readonly Entry[]): Promise<void> {
    const { machine, onReplies } = this.#options;
    const view = this.#pending?.view ?? new BatchView(this.#known);
    const { entries, commands } = this.#ask(batch, view);
    await this.#lookUp(view);
    const applied = entries.map((entry, i) => ({
      index: entry.index,
      term: entry.term,
      replies: entry.kind === "confChange"
        ? [this.#changeMembers(entry)]
        : (commands[i] ?? []).map((command) => machine.apply(command, view)),
    }));
    const last = entries.at(-1);
    invariant(last !== undefined, "A batch holds at least one entry");
    const pending = this.#pending ??= {
      view,
      entries: 0,
      bytes: 0,
      last,
      sync: false,
      isOld: false,
    };
    pending.entries += entries.length;
    for (const { data } of entries) pending.bytes += data.length;
    pending.last = last;
    // Who votes must not be forgotten: a member that is gone for good cannot be asked again.
    pending.sync ||= entries.some(({ kind }) => kind === "confChange");
    onReplies(applied);
  }

  /** Begins to write what is pending, once what was written before is in the engine. */
  async #flush(): Promise<void> {
    await this.#writing?.done;
    const pending = this.#pending;
    if (this.#stopped || pending === undefined) return;
    const isExclusive = this.#isExclusive(pending);
    const done = this.#write(pending, isExclusive)
      .catch((error) => this.#fail(error))
      .finally(() => this.#writing = undefined);
    this.#writing = { view: pending.view, done };
    this.#pending = undefined;
    this.#flushWanted = false;
    if (isExclusive) await done;
  }

  async #write({ view, last, sync }: Pending, isExclusive: boolean): Promise<void> {
    const { identity, engine, machine, generation, lookout, onApplied } = this.#options;
    const { index, term } = last;
    this.#recordsMax = view.records >= this.#recordsMax
      ? PENDING_RECORDS_MAX
      : this.#firstRecordsMax;
    // All of this before anything behind is applied: it changes what the machine knows.
    view.overlay(machine.flush());
    const record = appliedWrite(generation.number, { index, term, roster: this.#roster });
    const writes = view.takeWrites(generation.prefix);
    const before = pass("raft/beforeApply", identity);
    if (before !== undefined) await before;
    await engine.write([...writes, record], { sync });
    lookout.moveTo(index);
    const after = pass("raft/afterApply", identity);
    if (after !== undefined) await after;
    // By now a machine may know of more than the engine shows: it must not tell.
    if (isExclusive || machine.hasNews === undefined) machine.onApplied?.(index);
    onApplied(index);
  }

  #changeMembers({ index, data }: Entry): Roster {
    const { identity, onMembers } = this.#options;
    const change = decodeChange(data);
    passAtOnce("raft/beforeConfChange", identity);
    // It was possible when it was proposed, and nothing has come between.
    this.#roster = changeRoster(this.#roster, change);
    onMembers(index, change, this.#roster);
    passAtOnce("raft/afterConfChange", identity);
    return this.#roster;
  }

  /**
   * Asks for what the commands of a batch want to see. If that is too much to
   * have in memory at a time, only the first entries are taken now.
   */
  #ask(
    batch: readonly Entry[],
    view: BatchView,
  ): { entries: readonly Entry[]; commands: CommittedCommand[][] } {
    let entries = batch;
    while (true) {
      const commands = entries.map(commandsOf);
      const all = commands.flat();
      if (all.length > 0) this.#options.machine.prefetch(all, view);
      if (entries.length === 1 || view.valuesAsked <= BATCH_VALUES_MAX) {
        return { entries, commands };
      }
      view.withdraw();
      const half = Math.ceil(entries.length / 2);
      this.#queue.unshift(...entries.slice(half));
      entries = entries.slice(0, half);
    }
  }

  async #lookUp(view: BatchView): Promise<void> {
    const { engine, generation: { prefix } } = this.#options;
    await view.lookUp(
      (keys) => engine.getMany(keys.map((key) => machineKey(prefix, key))),
      this.#writing?.view,
    );
  }
}

function commandsOf(entry: Entry): CommittedCommand[] {
  if (entry.kind !== "normal" || entry.data.length === 0) return [];
  const { timeMs, proposals } = pb.EntryPayload.decode(entry.data);
  return proposals.map((payload) => ({ index: entry.index, term: entry.term, timeMs, payload }));
}
