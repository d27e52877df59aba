/** Commands that bring nodes into being and back from their disks. */
import { DEFAULT_RAFT_CONFIG } from "../../config.ts";
import { describeStatus } from "../../describe.ts";
import type { ConfState, Entry, LogIndex, NodeId, Term } from "../../types.ts";
import { Disk } from "../disk.ts";
import type { CommandLine } from "./command_line.ts";
import type { Commands, Environment } from "./environment.ts";
import { settingsOf } from "./node_settings.ts";
import { ScriptNode } from "./script_node.ts";

/** Entries that say in which term and place they were made. */
function entriesOf(terms: readonly Term[], after: LogIndex): Entry[] {
  return terms.map((term, i) => {
    const index = after + 1 + i;
    return {
      index,
      term,
      kind: "normal" as const,
      data: new TextEncoder().encode(`${term}/${index}`),
    };
  });
}

/** A disk with a compacted and applied beginning, a log after it, and a term no lower than both. */
function diskOf(line: CommandLine, confState: ConfState): Disk {
  const disk = new Disk(confState);
  const [index = 0, term = 0] = line.option("start")?.split("/").map(Number).toReversed() ?? [];
  disk.logStart = { index, term };
  disk.applied = entriesOf(new Array(index).fill(term), 0);
  disk.entries = entriesOf(line.listOption("log") ?? [], index);
  const lastTerm = disk.entries[disk.entries.length - 1]?.term ?? term;
  disk.hardState = {
    term: line.numberOption("term") ?? lastTerm,
    vote: 0,
    commit: line.numberOption("commit") ?? index,
  };
  return disk;
}

/**
 * `add-nodes 1 2 3 [voters=1,2,3] [learners=] [log=1,1,2] [start=1/10] [term=] [commit=] [setting=]`:
 * nodes with equal disks. Voters are the nodes added unless told otherwise.
 */
function addNodes(environment: Environment, line: CommandLine): void {
  const ids: NodeId[] = line.numbers();
  const learners = line.listOption("learners") ?? [];
  const voters = line.listOption("voters") ?? ids.filter((id) => !learners.includes(id));
  const confState = { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
  const disk = diskOf(line, confState);
  const config = { ...DEFAULT_RAFT_CONFIG, ...settingsOf(line) };
  for (const id of ids) {
    const node = new ScriptNode({ ...config, id }, structuredCloneOf(disk));
    environment.nodes.set(id, node);
    environment.print(describeStatus(node.raw.status()));
  }
}

function structuredCloneOf(disk: Disk): Disk {
  return Object.assign(new Disk(disk.confState), structuredClone({ ...disk }));
}

/** `restart 1 [setting=]`: what was not on disk is gone. */
function restart(environment: Environment, line: CommandLine): void {
  const node = environment.node(line.number("node"));
  node.restart(settingsOf(line));
  environment.print(describeStatus(node.raw.status()));
}

export const setupCommands: Commands = { "add-nodes": addNodes, restart };
