/** A window on a node for those who check it from outside: the simulator and tests. */
import type { Message } from "../message.ts";
import type { RawNode } from "../raw_node.ts";
import type { Ready } from "../ready.ts";
import type { LogIndex } from "../types.ts";
import type { AppliedEntry } from "./apply/applier.ts";
import type { StateMachine } from "./apply/state_machine.ts";

/** What of the core may be looked at. */
export type ObservedCore = Pick<RawNode, "status" | "entryTerm" | "confState">;

/** Told what a node does, as it does it. Must change nothing; what it throws is the node's failure. */
export interface RaftObserver {
  /** Everything is loaded from the engine; nothing has happened yet. */
  started?(core: ObservedCore, machine: StateMachine): void;
  /** The driver asks the core for an index to read at, under this name. */
  readStarted?(context: number): void;
  /** A round was taken from the core, and nothing of it is done yet. */
  roundTaken?(ready: Ready): void;
  /** A turn of the loop is over. */
  turnEnded?(): void;
  /** A message is handed to the transport, which may lose it. */
  messageLeft?(message: Message): void;
  /** A message of a peer has come in; the core will see it in the next turn. */
  messageTaken?(message: Message): void;
  /** The machine has applied entries, in the log's order; the engine does not show it yet. */
  entriesApplied?(entries: readonly AppliedEntry[]): void;
  /** The engine shows everything up to `index`, applied or brought by a snapshot. */
  appliedTo?(index: LogIndex): void;
}
