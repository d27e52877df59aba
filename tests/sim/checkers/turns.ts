/** Each life's status before and after its latest turn, looked at once for all checkers. */
import type { RawNodeStatus } from "../../../raft/status.ts";
import type { ConfState } from "../../../raft/types.ts";
import type { NodeView, Observer } from "../observation.ts";

export interface Turn {
  readonly before: RawNodeStatus;
  readonly now: RawNodeStatus;
  readonly confBefore: ConfState;
  readonly conf: ConfState;
}

/** Must be told of a turn before those who ask it. */
export class Turns implements Observer {
  readonly #turns = new WeakMap<NodeView, Turn>();

  nodeStarted(node: NodeView): void {
    const now = node.status();
    const conf = node.confState;
    this.#turns.set(node, { before: now, now, confBefore: conf, conf });
  }

  turnEnded(node: NodeView): void {
    const { now: before, conf: confBefore } = this.of(node);
    this.#turns.set(node, { before, now: node.status(), confBefore, conf: node.confState });
  }

  /** The latest turn of a life; at its start one in which nothing happened. */
  of(node: NodeView): Turn {
    const turn = this.#turns.get(node);
    if (turn === undefined) {
      throw new Error(`Cannot tell the turn of ${node.address}: it is unknown`);
    }
    return turn;
  }
}

/** Whether the node led in this very term all through the turn. */
export function ledThroughout({ before, now }: Turn): boolean {
  return before.role === "leader" && now.role === "leader" && before.term === now.term;
}
