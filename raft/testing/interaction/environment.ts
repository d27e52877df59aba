/** What the commands of a script work on: nodes, messages on their way, and the printed lines. */
import { describeMessage, describeReady } from "../../describe.ts";
import type { Message } from "../../message.ts";
import type { NodeId } from "../../types.ts";
import type { CommandLine } from "./command_line.ts";
import type { ScriptNode } from "./script_node.ts";

/** Does what a line says. Anything it prints goes to the environment. */
export type Command = (environment: Environment, line: CommandLine) => void;

/** A group of commands by name. */
export type Commands = Readonly<Record<string, Command>>;

export class Environment {
  readonly nodes = new Map<NodeId, ScriptNode>();
  /** Sent and not yet delivered or lost, in the order of sending. */
  inTransit: Message[] = [];
  #printed: string[] = [];

  /** The node that a command is about. */
  node(id: NodeId): ScriptNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new RangeError(`Cannot find node ${id}: it was not added`);
    return node;
  }

  /** The nodes named, or all, by ascending id. */
  nodesOf(ids: readonly NodeId[]): ScriptNode[] {
    const chosen = ids.length > 0 ? [...ids] : [...this.nodes.keys()];
    return chosen.sort((a, b) => a - b).map((id) => this.node(id));
  }

  print(text: string, indent = 0): void {
    for (const line of text.split("\n")) this.#printed.push(" ".repeat(indent) + line);
  }

  /** What was printed since the last call. */
  takePrinted(): string[] {
    return this.#printed.splice(0);
  }

  /** Puts copies on their way: nodes must not share anything. */
  send(messages: readonly Message[]): void {
    for (const message of messages) this.inTransit.push(structuredClone(message));
  }

  /** Takes a round of a node, sends what may leave at once, and prints the round. */
  take(node: ScriptNode): void {
    this.print(`${node.id} takes a round`);
    const ready = node.take();
    this.print(describeReady(ready), 2);
    this.send(ready.messages);
  }

  /** Takes messages away from those on their way. */
  removeFromTransit(isMeant: (message: Message) => boolean): Message[] {
    const taken = this.inTransit.filter(isMeant);
    this.inTransit = this.inTransit.filter((message) => !taken.includes(message));
    return taken;
  }

  /** Delivers messages to the node they are for; one for nobody is lost. */
  deliver(messages: readonly Message[]): void {
    for (const message of messages) {
      this.print(describeMessage(message), 2);
      const fetched = this.nodes.get(message.to)?.receive(
        message,
        ({ index }) => this.node(message.from).disk.applied.slice(0, index),
      );
      if (fetched) this.print(`fetches that state from ${message.from}`, 4);
    }
  }
}
