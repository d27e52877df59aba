/**
 * The state machine of a shard group (pure): keys and values under their
 * shards, one session table per shard, and the group's way through the
 * configurations. Values live in the engine; everything else is held in memory
 * too and written once per batch.
 */
import type {
  CommittedCommand,
  LocalRecords,
  Lookahead,
  MachineReader,
  MachineView,
  StateMachine,
} from "../../raft/node/apply/state_machine.ts";
import { unreachable } from "../../runtime/invariant.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import type { Write } from "../../storage/engine.ts";
import { applyBirth, applyConfig } from "./apply_config.ts";
import { applyDrop, applyFreeze, applyInsert, applySettle } from "./apply_migration.ts";
import { applyWrites } from "./apply_writes.ts";
import {
  decodeOperation,
  type GroupOperation,
  type GroupReply,
  type StepOutcome,
} from "./commands.ts";
import { emptyState, type GroupState, takeChangedRecords } from "./group_state.ts";
import { loadState } from "./load_state.ts";
import { localRecords } from "./local_records.ts";
import type { Stay } from "./machine_keys.ts";
import { type Ownership, ownershipOf } from "./ownership.ts";
import { lookAhead } from "./prefetch.ts";
import { type OperationCounts, ShardOperations } from "./shard_operations.ts";
import type { Shard } from "./shard_record.ts";
import { isOwn, type ShardStatus } from "./shard_status.ts";

/** Milliseconds of log time between two searches for idle sessions. */
const SESSION_SWEEP_MS = 60_000;

/** Figures of a shard for status pages. */
export interface ShardFigures {
  readonly shard: number;
  readonly status: ShardStatus;
  readonly keys: number;
  readonly bytes: number;
  /** Number of the latest change in its change log; 0 for none. */
  readonly changes: number;
}

export class ShardMachine implements StateMachine<GroupReply> {
  /** Counts for status pages. Not part of the state: nothing that is applied depends on them. */
  readonly operations: ShardOperations = new ShardOperations();
  readonly #gid: Gid;
  #state: GroupState;
  #ownership: Ownership;
  #ownershipVersion: number;
  /**
   * Operations decoded while looking ahead, by their commands; another map for each
   * batch: one that lived on would keep them from the collector (sequence_map.ts).
   */
  #decoded = new Map<CommittedCommand, GroupOperation>();
  #onOwnership: (ownership: Ownership) => void = () => {};

  constructor(gid: Gid) {
    this.#gid = gid;
    this.#state = emptyState(gid);
    this.#ownership = ownershipOf(this.#state);
    this.#ownershipVersion = this.#state.version;
  }

  /** Shards and configuration as readers of the engine see them. */
  get ownership(): Ownership {
    return this.#ownership;
  }

  get timeMs(): number {
    return this.#state.timeMs;
  }

  /** Key of the last record or change of a shard that is being pulled; undefined if it is not. */
  cursorOf(shard: number): Uint8Array | undefined {
    const held = this.#state.shards.get(shard);
    return held?.status === "Pulling" ? held.cursor : undefined;
  }

  /** Calls back after every change of the ownership, with all its effects in the engine. */
  onOwnership(listener: (ownership: Ownership) => void): void {
    this.#onOwnership = listener;
  }

  /** Figures of the shards that are here, by number. */
  figures(): ShardFigures[] {
    return [...this.#state.shards.values()]
      .map(figuresOf)
      .sort((a, b) => a.shard - b.shard);
  }

  /** Reads and writes of the shards that are here. */
  operationCounts(): ({ readonly shard: number } & OperationCounts)[] {
    return [...this.#state.shards.keys()]
      .map((shard) => ({ shard, ...this.operations.of(shard) }));
  }

  /** Figures of one shard; undefined if it is not here. */
  figuresOf(shard: number): ShardFigures | undefined {
    const held = this.#state.shards.get(shard);
    return held && figuresOf(held);
  }

  /** This replica has cleared what the stay had left in its engine. */
  forgetGarbage({ shard, incarnation }: Stay): void {
    const isOther = (stay: Stay) => stay.shard !== shard || stay.incarnation !== incarnation;
    this.#state.garbage = this.#state.garbage.filter(isOther);
    this.#ownership = { ...this.#ownership, garbage: this.#ownership.garbage.filter(isOther) };
  }

  load(reader: MachineReader): Promise<void> {
    return loadState(this.#gid, reader).then((state) => {
      this.#state = state;
      this.#publish();
    });
  }

  prefetch(commands: readonly CommittedCommand[], ahead: Lookahead): void {
    const operations = commands.map(({ payload }) => decodeOperation(payload));
    this.#decoded = new Map(
      commands.map((command, i) => [command, operations[i] as GroupOperation]),
    );
    lookAhead(this.#state, operations, ahead);
  }

  apply(command: CommittedCommand, view: MachineView): GroupReply {
    this.#advanceTime(command.timeMs);
    return this.#execute(this.#decoded.get(command) ?? decodeOperation(command.payload), view);
  }

  flush(): readonly Write[] {
    return takeChangedRecords(this.#state);
  }

  localRecords(): LocalRecords {
    return localRecords();
  }

  get hasNews(): boolean {
    return this.#ownershipVersion !== this.#state.version;
  }

  onApplied(): void {
    if (this.hasNews) this.#publish();
  }

  #publish(): void {
    this.#ownership = ownershipOf(this.#state);
    this.#ownershipVersion = this.#state.version;
    this.#onOwnership(this.#ownership);
  }

  #execute(operation: GroupOperation, view: MachineView): GroupReply {
    const state = this.#state;
    switch (operation.kind) {
      case "writes": {
        const results = applyWrites(state, operation, view);
        this.operations.countWrites(operation.shards);
        return { kind: "writes", results };
      }
      case "birth":
        return this.#stepReply(applyBirth(state, operation.identity));
      case "config":
        return this.#stepReply(applyConfig(state, operation.config));
      case "insert":
        return this.#stepReply(applyInsert(state, operation.chunk, view));
      case "freeze":
        return this.#stepReply(applyFreeze(state, operation.step));
      case "drop":
        return this.#stepReply(applyDrop(state, operation.step));
      case "settle":
        return this.#stepReply(applySettle(state, operation.step));
      case "invalid":
        return { kind: "invalid", reason: operation.reason };
      default:
        return unreachable(operation);
    }
  }

  #stepReply(outcome: StepOutcome): GroupReply {
    return { kind: "step", outcome, configNum: this.#state.config.num };
  }

  /**
   * Moves the log's time on, never back, and forgets sessions that have been idle
   * for too long by it.
   */
  #advanceTime(timeMs: number): void {
    const state = this.#state;
    const before = state.timeMs;
    const now = Math.max(before, Math.floor(timeMs));
    if (now === before) return;
    state.timeMs = now;
    state.changed.time = true;
    if (Math.floor(before / SESSION_SWEEP_MS) === Math.floor(now / SESSION_SWEEP_MS)) return;
    for (const shard of state.shards.values()) {
      // One that is on its way keeps its sessions: forgetting is no change that would travel.
      if (!isOwn(shard.status)) continue;
      shard.sessions.expire(now);
      if (shard.sessions.hasDirty) state.changed.shards.add(shard);
    }
  }
}

function figuresOf({ shard, status, keys, bytes, changes }: Shard): ShardFigures {
  return { shard, status, keys, bytes, changes };
}
