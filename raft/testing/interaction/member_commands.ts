/** Commands about who belongs to the group. */
import { describeConfState } from "../../describe.ts";
import { changePayload, parseChange } from "./change_text.ts";
import type { CommandLine } from "./command_line.ts";
import type { Commands, Environment } from "./environment.ts";

/** `change-members 1 v4 l5 r1`: proposes to take 4 as a voter, 5 as a learner, and 1 out; nothing: to end a change. */
function changeMembers(environment: Environment, line: CommandLine): void {
  const { raw } = environment.node(line.number("node"));
  const words = line.words();
  raw.proposeConfChange(parseChange(words), changePayload(words));
}

/** `members 1`: the configuration in force at a node. */
function showMembers(environment: Environment, line: CommandLine): void {
  for (const { id, raw } of environment.nodesOf(line.numbers())) {
    environment.print(`${id} has ${describeConfState(raw.confState)}`);
  }
}

export const memberCommands: Commands = { "change-members": changeMembers, members: showMembers };
