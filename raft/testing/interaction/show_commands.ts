/** Commands that look and change nothing. */
import { describeEntries, describeEntry, describeStatus } from "../../describe.ts";
import type { CommandLine } from "./command_line.ts";
import type { Commands, Environment } from "./environment.ts";

/** `status 1`: a node at a glance, and what a leader knows of its members. */
function status(environment: Environment, line: CommandLine): void {
  for (const { raw } of environment.nodesOf(line.numbers())) {
    environment.print(describeStatus(raw.status()));
  }
}

/** `disk-log 1`: the entries as they stand on disk, one a line. */
function diskLog(environment: Environment, line: CommandLine): void {
  for (const { id, disk } of environment.nodesOf(line.numbers())) {
    const { index, term } = disk.logStart;
    environment.print(`${id}${index > 0 ? ` starts after ${term}/${index}` : ""}`);
    for (const entry of disk.entries) environment.print(describeEntry(entry), 2);
  }
}

/** `applied 1`: what the state machine has seen. */
function applied(environment: Environment, line: CommandLine): void {
  for (const { id, disk } of environment.nodesOf(line.numbers())) {
    environment.print(`${id} has applied ${describeEntries(disk.applied)}`);
  }
}

export const showCommands: Commands = { status, "disk-log": diskLog, applied };
