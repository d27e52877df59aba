/** Commands that play the network. */
import { assert } from "@std/assert";
import { describeMessage } from "../../describe.ts";
import type { Message } from "../../message.ts";
import type { NodeId } from "../../types.ts";
import type { CommandLine } from "./command_line.ts";
import type { Commands, Environment } from "./environment.ts";
import { processRound } from "./round_commands.ts";

/** Rounds of one `stabilize` before the script is held to run in circles. */
const ROUNDS_MAX = 1000;

/** Takes the messages a line is about: `[from=1] [to=2] [type=append] [first=3]`. */
function chosen(environment: Environment, line: CommandLine): Message[] {
  const from = line.listOption("from");
  const to = line.listOption("to");
  const types = line.option("type")?.split(",");
  let left = line.numberOption("first") ?? Infinity;
  return environment.removeFromTransit((message) =>
    (from?.includes(message.from) ?? true) && (to?.includes(message.to) ?? true) &&
    (types?.includes(message.type) ?? true) && left-- > 0
  );
}

/**
 * `deliver [from=1] [to=2] [type=append] [first=3] [keep]`: to each node what is for it, in order.
 * `keep` delivers copies, which the network may do as well.
 */
function deliver(environment: Environment, line: CommandLine): void {
  const keeps = line.flag("keep");
  const messages = chosen(environment, line);
  if (keeps) environment.send(messages);
  deliverByReceiver(environment, messages);
}

/** `drop [from=1] [to=2] [type=append] [first=3]` */
function drop(environment: Environment, line: CommandLine): void {
  for (const message of chosen(environment, line)) {
    environment.print(`lost: ${describeMessage(message)}`);
  }
}

function deliverByReceiver(environment: Environment, messages: readonly Message[]): void {
  const receivers = [...new Set(messages.map(({ to }) => to))].sort((a, b) => a - b);
  for (const to of receivers) {
    environment.print(`${to} receives`);
    environment.deliver(messages.filter((message) => message.to === to));
  }
}

/** `stabilize 1 2`: these nodes work and talk until there is nothing left to do; all if none is named. */
function stabilize(environment: Environment, line: CommandLine): void {
  const nodes = environment.nodesOf(line.numbers());
  const ids = new Set<NodeId>(nodes.map(({ id }) => id));
  for (let round = 0;; round++) {
    assert(round < ROUNDS_MAX, `nodes come to rest within ${ROUNDS_MAX} rounds`);
    const busy = nodes.filter(({ raw }) => raw.hasReady());
    for (const node of busy) processRound(environment, node);
    const messages = environment.removeFromTransit(({ to }) => ids.has(to));
    deliverByReceiver(environment, messages);
    if (busy.length === 0 && messages.length === 0) return;
  }
}

/** `in-transit`: what is on its way. */
function inTransit(environment: Environment, line: CommandLine): void {
  const to = line.listOption("to");
  for (const message of environment.inTransit) {
    if (to?.includes(message.to) ?? true) environment.print(describeMessage(message));
  }
}

export const networkCommands: Commands = { deliver, drop, stabilize, "in-transit": inTransit };
