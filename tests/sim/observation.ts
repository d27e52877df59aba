/**
 * How checkers watch the simulated system from outside. The simulator calls
 * observers synchronously, at the very moment things happen; they look and
 * never touch.
 */
import type { Message } from "../../raft/message.ts";
import type { ObservedCore } from "../../raft/node/observer.ts";
import type { Ready } from "../../raft/ready.ts";
import type { Entry, LogIndex, NodeId } from "../../raft/types.ts";
import type { Config, Gid } from "../../shardctrler/configuration/config.ts";
import type { ControllerMachine } from "../../shardctrler/machine/machine.ts";
import type { ShardMachine } from "../../shardkv/machine/machine.ts";
import type { StoredContent } from "../../storage/memory_engine.ts";
import type { HistoryOperation } from "./history.ts";

/** A machine of either kind; controllers have configurations, groups have shards. */
export type NodeMachine =
  | { readonly kind: "controller"; readonly machine: ControllerMachine }
  | { readonly kind: "group"; readonly machine: ShardMachine };

/** One life of a node, from a start to its end. */
export interface NodeView extends ObservedCore {
  /** CONTROLLERS_GID for controllers. */
  readonly gid: Gid;
  readonly id: NodeId;
  readonly address: string;
  /** Counts the starts at this address, from 1. */
  readonly life: number;
  /** Counts the disks at this address, from 1: a wiped node begins a new one. */
  readonly disk: number;
  readonly machine: NodeMachine;
  /** The least a power cut now would leave of the engine. */
  durable(): StoredContent;
  /** What the engine shows now, synced or not. */
  content(): StoredContent;
}

/**
 * - `crash`: power cut, unsynced writes are lost in part or whole
 * - `stop`: orderly
 * - `wipe`: the disk is gone with it
 * - `failure`: the node gave up by itself (`onFatal`)
 */
export type StopKind = "crash" | "stop" | "wipe" | "failure";

/** An entry that a machine has applied, with one reply per proposal in it. */
export interface AppliedEntry {
  readonly entry: Entry;
  readonly replies: readonly unknown[];
}

/** The whole, once nothing is left to do: healed, settled and idle. */
export interface SystemView {
  /** Milliseconds of virtual time. */
  readonly nowMs: number;
  /** All nodes that run. */
  readonly nodes: readonly NodeView[];
  /** The latest configuration. */
  readonly config: Config;
  /** Every operation of every client, in the order of invocation. */
  readonly history: readonly HistoryOperation[];
  /** What a last read of each key gave, by key. */
  readonly finalValues: ReadonlyMap<string, string | undefined>;
}

/** All methods are optional. One that throws, a {@linkcode Violation} above all, ends the run. */
export interface Observer {
  /** Loaded from its engine; has not done anything yet. */
  nodeStarted?(node: NodeView): void;
  /** Nothing of this life can have an effect any more. */
  nodeStopped?(node: NodeView, how: StopKind): void;
  /** The node asks its core for an index to read at. */
  readStarted?(node: NodeView, context: number): void;
  /** A round as the core gave it; nothing of it is saved, sent or applied yet. */
  roundTaken?(node: NodeView, ready: Ready): void;
  /** A turn of the driver's loop is over. */
  turnEnded?(node: NodeView): void;
  /** The machine has applied entries, in order; the engine does not show it yet. */
  entriesApplied?(node: NodeView, applied: readonly AppliedEntry[]): void;
  /** The engine shows everything up to `index`, applied or brought by a snapshot. */
  appliedTo?(node: NodeView, index: LogIndex): void;
  /** A Raft message leaves the node, before the network decides about it. */
  messageLeft?(node: NodeView, message: Message): void;
  /** A Raft message has come in; the core sees it in the next turn. */
  messageDelivered?(node: NodeView, message: Message): void;
  operationInvoked?(operation: HistoryOperation): void;
  operationReturned?(operation: HistoryOperation): void;
  /** The admin clerk was told of a configuration. */
  configurationSeen?(config: Config): void;
  /** The fault phase is over: all nodes run, network, clocks and disks are well. */
  healed?(): void;
  /** All is done and equal everywhere; from now until the end nobody asks for anything. */
  idleBegan?(nodes: readonly NodeView[]): void;
  /** The end of a run that held so far. */
  ended?(system: SystemView): void;
}

/** Something that must never happen has happened. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** The checker's item, as `1 election safety`. */
  readonly item: string;

  constructor(item: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.item = item;
  }
}

type Method = keyof Observer;

/** One observer that tells many, in their order. */
export function combineObservers(observers: readonly Observer[]): Required<Observer> {
  const tell = <Name extends Method>(name: Name) => {
    const interested = observers.filter((observer) => observer[name] !== undefined);
    return (...details: Parameters<Required<Observer>[Name]>): void => {
      for (const observer of interested) {
        const method = observer[name] as (...details: unknown[]) => void;
        method.apply(observer, details);
      }
    };
  };
  return {
    nodeStarted: tell("nodeStarted"),
    nodeStopped: tell("nodeStopped"),
    readStarted: tell("readStarted"),
    roundTaken: tell("roundTaken"),
    turnEnded: tell("turnEnded"),
    entriesApplied: tell("entriesApplied"),
    appliedTo: tell("appliedTo"),
    messageLeft: tell("messageLeft"),
    messageDelivered: tell("messageDelivered"),
    operationInvoked: tell("operationInvoked"),
    operationReturned: tell("operationReturned"),
    configurationSeen: tell("configurationSeen"),
    healed: tell("healed"),
    idleBegan: tell("idleBegan"),
    ended: tell("ended"),
  };
}
