/** A system that nobody asks anything stays as it is: item 26. */
import { EntryPayload } from "../../../proto/gen/raft.ts";
import { ControllerCommand } from "../../../proto/gen/shardctrler.ts";
import type { AppliedEntry, NodeView, Observer, SystemView } from "../observation.ts";
import { stepsOf } from "./group_commands.ts";
import { check } from "./items.ts";

interface Size {
  readonly term: number;
  readonly lastIndex: number;
  readonly records: number;
}

export class IdleChecker implements Observer {
  #before: ReadonlyMap<NodeView, Size> | undefined;
  /** A request whose client gave it up long ago has come in all the same. */
  #wasAsked = false;

  idleBegan(nodes: readonly NodeView[]): void {
    this.#before = new Map(nodes.map((node) => [node, sizeOf(node)]));
  }

  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    if (this.#before === undefined) return;
    if (applied.some((each) => isRequest(node, each))) this.#wasAsked = true;
  }

  ended({ nodes }: SystemView): void {
    if (this.#wasAsked) return;
    for (const node of nodes) {
      const before = this.#before?.get(node);
      const now = sizeOf(node);
      // Links go on losing messages: a leader that was not heard of for long has a successor.
      if (before === undefined || now.term !== before.term) continue;
      check(
        now.lastIndex === before.lastIndex && now.records <= before.records,
        "idle",
        () =>
          `${node.address} went from entry ${before.lastIndex} to ${now.lastIndex} and from ` +
          `${before.records} records to ${now.records} without being asked for anything`,
      );
    }
  }
}

/** Whether somebody outside has asked for the entry. */
function isRequest({ machine }: NodeView, { entry }: AppliedEntry): boolean {
  if (entry.kind !== "normal" || entry.data.length === 0) return false;
  if (machine.kind === "group") return stepsOf(entry).some(({ kind }) => kind === "writes");
  const { proposals } = EntryPayload.decode(Buffer.from(entry.data));
  return proposals.some((proposal) => ControllerCommand.decode(proposal).change !== undefined);
}

function sizeOf(node: NodeView): Size {
  const { term, lastIndex } = node.status();
  return { term, lastIndex, records: node.content().size };
}
