/** A system that nobody asks anything stays as it is: item 26. */
import type { NodeView, Observer, SystemView } from "../observation.ts";
import { check } from "./items.ts";

interface Size {
  readonly term: number;
  readonly lastIndex: number;
  readonly records: number;
}

export class IdleChecker implements Observer {
  #before: ReadonlyMap<NodeView, Size> | undefined;

  idleBegan(nodes: readonly NodeView[]): void {
    this.#before = new Map(nodes.map((node) => [node, sizeOf(node)]));
  }

  ended({ nodes }: SystemView): void {
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

function sizeOf(node: NodeView): Size {
  const { term, lastIndex } = node.status();
  return { term, lastIndex, records: node.content().size };
}
