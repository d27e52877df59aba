/** Commands that play the driver: take a round, write it, apply it. */
import { describeEntries, describeReady } from "../../describe.ts";
import type { CommandLine } from "./command_line.ts";
import type { Commands, Environment } from "./environment.ts";
import type { ScriptNode } from "./script_node.ts";

/** `take 1`: asks what to do, sends what may leave before the write, and begins the write. */
function take(environment: Environment, line: CommandLine): void {
  for (const node of environment.nodesOf(line.numbers())) {
    if (node.raw.hasReady()) environment.take(node);
    else environment.print(`${node.id} has nothing to do`);
  }
}

/** `save 1`: the oldest write is durable; what waited for it leaves. */
function save(environment: Environment, line: CommandLine): void {
  const node = environment.node(line.number("node"));
  const ready = node.save();
  if (ready === undefined) return environment.print(`${node.id} has nothing to write`);
  environment.print(`${node.id} has written a round`);
  const { hardState, snapshot, entries, messagesAfterPersist } = ready;
  environment.print(
    describeReady({
      ...{ softState: undefined, hardState, snapshot, entries, messages: messagesAfterPersist },
      ...{ messagesAfterPersist: [], committedEntries: [], readStates: [], droppedReads: [] },
    }),
    2,
  );
  environment.send(messagesAfterPersist);
}

/** `apply 1`: the oldest entries that wait for it are applied. */
function apply(environment: Environment, line: CommandLine): void {
  const node = environment.node(line.number("node"));
  const entries = node.apply();
  environment.print(
    entries === undefined
      ? `${node.id} has nothing to apply`
      : `${node.id} has applied ${describeEntries(entries)}`,
  );
}

/** Does one round from beginning to end, and whatever was left of earlier ones. */
export function processRound(environment: Environment, node: ScriptNode): void {
  environment.take(node);
  for (let ready = node.save(); ready !== undefined; ready = node.save()) {
    environment.send(ready.messagesAfterPersist);
  }
  while (node.apply() !== undefined);
}

/** `process 1`: one round with its write and what it applies. */
function process(environment: Environment, line: CommandLine): void {
  for (const node of environment.nodesOf(line.numbers())) {
    if (node.raw.hasReady()) processRound(environment, node);
    else environment.print(`${node.id} has nothing to do`);
  }
}

export const roundCommands: Commands = { take, save, apply, process };
