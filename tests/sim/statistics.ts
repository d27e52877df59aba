/** What a run amounted to: a run in which little happened has proved little. */
import type { Ready } from "../../raft/ready.ts";
import { CONTROLLERS_GID } from "../../shardctrler/configuration/config.ts";
import { stepsOf } from "./checkers/group_commands.ts";
import type { HistoryOperation } from "./history.ts";
import type { AppliedEntry, NodeView, Observer } from "./observation.ts";

/** Figures of one run or of many together. */
export interface Figures {
  /** By kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Commands committed, each once however many replicas applied it. */
  readonly commands: number;
  /** Terms that had a leader. */
  readonly elections: number;
  readonly snapshotsInstalled: number;
  /** Shards that came to a group from another one. */
  readonly migrations: number;
  /** Records that came to a group once more, because they were written while their shard was copied. */
  readonly changes: number;
  /** Reads that one replica was asked for, and has answered. */
  readonly readsAnywhere: number;
  /** Calls of clients by outcome. */
  readonly operations: Readonly<Record<string, number>>;
  readonly virtualMs: number;
  readonly events: number;
}

export const NO_FIGURES: Figures = {
  faults: {},
  commands: 0,
  elections: 0,
  snapshotsInstalled: 0,
  migrations: 0,
  changes: 0,
  readsAnywhere: 0,
  operations: {},
  virtualMs: 0,
  events: 0,
};

export function addFigures(a: Figures, b: Figures): Figures {
  return {
    faults: addCounts(a.faults, b.faults),
    commands: a.commands + b.commands,
    elections: a.elections + b.elections,
    snapshotsInstalled: a.snapshotsInstalled + b.snapshotsInstalled,
    migrations: a.migrations + b.migrations,
    changes: a.changes + b.changes,
    readsAnywhere: a.readsAnywhere + b.readsAnywhere,
    operations: addCounts(a.operations, b.operations),
    virtualMs: a.virtualMs + b.virtualMs,
    events: a.events + b.events,
  };
}

function addCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** Faults that single messages meet, of which there are many in any run. */
const MESSAGE_FAULTS = [
  "message lost",
  "message repeated",
  "message late",
  "connection broken",
  "call repeated",
];

export function isMessageFault(kind: string): boolean {
  return MESSAGE_FAULTS.includes(kind);
}

/** Counts while a run goes on. */
export class Statistics implements Observer {
  readonly #faults = new Map<string, number>();
  readonly #operations = new Map<string, number>();
  /** Highest index applied anywhere, by group. */
  readonly #applied = new Map<number, number>();
  readonly #leaderTerms = new Set<string>();
  /** Stays of shards that were pulled to their end. */
  readonly #pulled = new Set<string>();
  readonly #pulling = new Set<string>();
  #commands = 0;
  #changes = 0;
  #readsAnywhere = 0;
  #snapshots = 0;

  fault(kind: string): void {
    count(this.#faults, kind);
  }

  roundTaken({ gid }: NodeView, { softState, snapshot }: Ready): void {
    if (snapshot !== undefined) this.#snapshots++;
    if (softState?.role === "leader") this.#leaderTerms.add(`${gid} ${softState.term}`);
  }

  entriesApplied({ gid }: NodeView, applied: readonly AppliedEntry[]): void {
    for (const { entry, replies } of applied) {
      if (entry.index <= (this.#applied.get(gid) ?? 0)) continue;
      this.#applied.set(gid, entry.index);
      this.#commands += replies.length;
      if (gid === CONTROLLERS_GID) continue;
      for (const step of stepsOf(entry)) if (step.kind === "insert") this.#changes += step.changes;
    }
  }

  appliedTo(node: NodeView): void {
    if (node.gid === CONTROLLERS_GID || node.machine.kind !== "group") return;
    for (const { shard, incarnation, status } of node.machine.machine.ownership.shards.values()) {
      const stay = `${node.gid} ${shard} ${incarnation}`;
      if (status === "Pulling") this.#pulling.add(stay);
      else if (this.#pulling.has(stay)) this.#pulled.add(stay);
    }
  }

  operationReturned({ method, outcome }: HistoryOperation): void {
    count(this.#operations, outcome?.kind ?? "none");
    if (method === "getAnywhere" && outcome?.kind === "ok") this.#readsAnywhere++;
  }

  figures(virtualMs: number, events: number): Figures {
    return {
      faults: Object.fromEntries(this.#faults),
      commands: this.#commands,
      elections: this.#leaderTerms.size,
      snapshotsInstalled: this.#snapshots,
      migrations: this.#pulled.size,
      changes: this.#changes,
      readsAnywhere: this.#readsAnywhere,
      operations: Object.fromEntries(this.#operations),
      virtualMs: Math.round(virtualMs),
      events,
    };
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
