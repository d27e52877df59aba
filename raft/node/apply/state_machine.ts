/**
 * The replicated state machine as the driver sees it. Owned here, implemented
 * by shardctrler/ and shardkv/.
 */
import type { Write } from "../../../storage/engine.ts";
import type { LogIndex, Term } from "../../types.ts";

/** One proposal that has been committed. */
export interface CommittedCommand {
  readonly index: LogIndex;
  readonly term: Term;
  /**
   * Milliseconds that the leaders of the group have counted; may stand still or go
   * back a little.
   */
  readonly timeMs: number;
  readonly payload: Uint8Array;
}

/**
 * A record in a view, found once by its key. Means nothing to other views, and
 * nothing once `flush` was called.
 */
export interface RecordRef {
  readonly key: Uint8Array;
}

/**
 * What was looked up ahead for a batch of commands, overlaid with what they
 * have written so far. All refs must come from this view.
 */
export interface MachineView {
  /** Finds a record. The caller must not change the key any more. */
  record(key: Uint8Array): RecordRef;
  /**
   * The value of a record; undefined if there is none.
   *
   * @param record One whose value `prefetch` wanted for this batch, or that was written since
   * @throws {InvariantError} If it was neither
   */
  get(record: RecordRef): Uint8Array | undefined;
  /**
   * Bytes of the value of a record; undefined if there is none.
   *
   * @param record One that `prefetch` named for this batch, or that was written since
   * @throws {InvariantError} If it was neither
   */
  lengthOf(record: RecordRef): number | undefined;
  /** Whatever comes behind sees it. The caller must not change the array any more. */
  put(record: RecordRef, value: Uint8Array): void;
  /** Whatever comes behind sees that there is nothing. */
  del(record: RecordRef): void;
}

/** Takes down which keys the next commands will look at, and finds their records. */
export interface Lookahead {
  value(key: Uint8Array): RecordRef;
  /** As `value`, if the value's length is enough: the host often knows it without reading. */
  length(key: Uint8Array): RecordRef;
}

/**
 * What every replica of a group runs its commands on.
 *
 * Contract: `apply` depends on nothing but the command, the view and the state
 * built by earlier commands; no clock, no randomness, no I/O, same result on
 * every replica. Bad input yields a reply that says so, never a throw: a throw
 * is a bug and stops the node, on every replica, at every replay.
 *
 * Keys of the machine are relative: the host puts its generation prefix before
 * them, so that a snapshot can be staged beside live data.
 *
 * @typeParam Reply What a proposer is told of its command
 */
export interface StateMachine<Reply = unknown> {
  /**
   * The latest time of any command applied so far, also before a restart. The time
   * in the log continues from it; without it every start begins at 0 again.
   */
  readonly timeMs?: number;
  /**
   * Builds the in-memory part from the engine, at start and after a snapshot
   * was installed. Must not depend on the number of user keys.
   */
  load(reader: MachineReader): Promise<void>;
  /**
   * Asks for what `apply` will want to see for these commands, which come next.
   * May ask for more than that.
   */
  prefetch(commands: readonly CommittedCommand[], ahead: Lookahead): void;
  /** @returns The reply for whoever proposed the command */
  apply(command: CommittedCommand, view: MachineView): Reply;
  /**
   * The records of in-memory state that have changed since the last call. Called
   * once after the commands of a batch, and written together with their writes, so
   * that a record that every command touches is encoded once per batch.
   */
  flush(): readonly Write[];
  /**
   * Whether `onApplied` has something to tell. If so, what is applied is written to
   * the engine at once, and nothing more is applied before `onApplied` was called.
   * Without this property both happen whenever the host sees fit.
   */
  readonly hasNews?: boolean;
  /**
   * Called once everything applied up to `index` is in the engine and visible to
   * readers; if there is `hasNews`, only when that is true.
   */
  onApplied?(index: LogIndex): void;
  /**
   * Begins a pass over all records that tells which of them each replica keeps or
   * clears for itself. In all other records, replicas at the same index are equal.
   * Without this method there are no such records.
   */
  localRecords?(): LocalRecords;
}

/** Whether a record is a replica's own; asked once for each key, in key order. */
export type LocalRecords = (key: Buffer) => boolean;

/** Read access to the machine's keys in the engine, relative like the machine's writes. */
export interface MachineReader {
  /** Another number once a snapshot has replaced everything, even if the machine has yet to load it. */
  readonly generation: number;
  get(key: Uint8Array): Promise<Buffer | undefined>;
  getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]>;
  /**
   * Pairs of a bounded range, in key order; the caller must keep it small or page.
   * With `checksAbove` damage directly above is found, too (`ScanOptions`).
   */
  scan(
    start: Uint8Array,
    end: Uint8Array,
    options?: { readonly limit?: number; readonly checksAbove?: boolean },
  ): Promise<{ readonly key: Buffer; readonly value: Buffer }[]>;
  /** A stable view of a range; must be closed. Pairs carry relative keys. */
  iterate(start: Uint8Array, end: Uint8Array): {
    next(limit: number): Promise<{ readonly key: Buffer; readonly value: Buffer }[]>;
    close(): Promise<void>;
  };
  /** Removes a range that no command reads any more; not atomic, safe to repeat. */
  clear(start: Uint8Array, end: Uint8Array): Promise<void>;
}
