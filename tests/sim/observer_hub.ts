/** Passes what nodes do on to the observers, and keeps the first thing that one of them objects to. */
import type { StateMachine } from "../../raft/node/apply/state_machine.ts";
import type { RaftObserver } from "../../raft/node/observer.ts";
import type { Entry, LogIndex } from "../../raft/types.ts";
import { ControllerMachine } from "../../shardctrler/machine/machine.ts";
import { ShardMachine } from "../../shardkv/machine/machine.ts";
import type { MemoryEngine } from "../../storage/memory_engine.ts";
import {
  combineObservers,
  type NodeMachine,
  type NodeView,
  type Observer,
  type StopKind,
} from "./observation.ts";

/** What of a life is known before its node is loaded. */
export type LifeFacts = Pick<NodeView, "gid" | "id" | "address" | "life" | "disk"> & {
  readonly engine: MemoryEngine;
};

export class ObserverHub {
  readonly #all: Required<Observer>;
  #failure: unknown;

  constructor(observers: readonly Observer[]) {
    this.#all = combineObservers(observers);
  }

  /** What went wrong first; undefined while all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  fail(error: unknown): void {
    this.#failure ??= error;
  }

  /** Tells the observers something. What one of them throws is the run's failure. */
  tell(what: (observers: Required<Observer>) => void): void {
    if (this.#failure !== undefined) return;
    try {
      what(this.#all);
    } catch (error) {
      this.#failure = error;
    }
  }

  /** Watches a life from now until {@linkcode Life.end}. */
  watch(facts: LifeFacts): Life {
    return new Life(this, facts);
  }
}

/** One life of a node, as observers see it. */
export class Life {
  readonly #hub: ObserverHub;
  readonly #facts: LifeFacts;
  /** Committed entries that are not applied yet, by index. */
  readonly #committed = new Map<LogIndex, Entry>();
  #view: NodeView | undefined;
  #ended = false;

  constructor(hub: ObserverHub, facts: LifeFacts) {
    this.#hub = hub;
    this.#facts = facts;
  }

  /** Undefined until the node is loaded. */
  get view(): NodeView | undefined {
    return this.#view;
  }

  get ended(): boolean {
    return this.#ended;
  }

  end(how: StopKind): void {
    if (this.#ended) return;
    this.#ended = true;
    const view = this.#view;
    if (view !== undefined) this.#hub.tell((all) => all.nodeStopped(view, how));
  }

  /** For the node's driver. */
  readonly observer: RaftObserver = {
    started: (core, machine) => {
      if (this.#ended) return;
      const { engine, ...facts } = this.#facts;
      this.#view = {
        ...facts,
        machine: kindOf(machine),
        durable: () => engine.durable,
        content: () => engine.content,
        status: () => core.status(),
        entryTerm: (index) => core.entryTerm(index),
        get confState() {
          return core.confState;
        },
      };
      this.#tell((view, all) => all.nodeStarted(view));
    },
    readStarted: (context) => this.#tell((view, all) => all.readStarted(view, context)),
    roundTaken: (ready) => {
      for (const entry of ready.committedEntries) this.#committed.set(entry.index, entry);
      this.#tell((view, all) => all.roundTaken(view, ready));
    },
    turnEnded: () => this.#tell((view, all) => all.turnEnded(view)),
    messageLeft: (message) => this.#tell((view, all) => all.messageLeft(view, message)),
    messageTaken: (message) => this.#tell((view, all) => all.messageDelivered(view, message)),
    entriesApplied: (entries) => {
      const applied = entries.flatMap(({ index, replies }) => {
        const entry = this.#committed.get(index);
        this.#committed.delete(index);
        return entry === undefined ? [] : [{ entry, replies }];
      });
      this.#tell((view, all) => all.entriesApplied(view, applied));
    },
    appliedTo: (index) => this.#tell((view, all) => all.appliedTo(view, index)),
  };

  #tell(what: (view: NodeView, all: Required<Observer>) => void): void {
    const view = this.#view;
    if (view === undefined || this.#ended) return;
    this.#hub.tell((all) => what(view, all));
  }
}

function kindOf(machine: StateMachine): NodeMachine {
  if (machine instanceof ShardMachine) return { kind: "group", machine };
  if (machine instanceof ControllerMachine) return { kind: "controller", machine };
  throw new TypeError("Cannot observe a node: its machine is of no known kind");
}
