/** Reads that go past the log: items 16 and 17. */
import type { Ready } from "../../../raft/ready.ts";
import type { LogIndex } from "../../../raft/types.ts";
import type { NodeView, Observer } from "../observation.ts";
import { check } from "./items.ts";
import type { Ledger } from "./ledger.ts";

interface Read {
  /** What was known to be committed anywhere when it began. */
  readonly floor: LogIndex;
  /** Number of the turn in which it began. */
  readonly turn: number;
}

export class ReadChecker implements Observer {
  readonly #ledger: Ledger;
  readonly #reads = new WeakMap<NodeView, Map<number, Read>>();
  readonly #turnsEnded = new WeakMap<NodeView, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  readStarted(node: NodeView, context: number): void {
    const reads = this.#reads.get(node) ?? new Map<number, Read>();
    this.#reads.set(node, reads);
    reads.set(context, { floor: this.#ledger.of(node.gid).commit, turn: this.#turnOf(node) });
  }

  turnEnded(node: NodeView): void {
    this.#turnsEnded.set(node, this.#turnOf(node) + 1);
  }

  roundTaken(node: NodeView, { readStates, droppedReads }: Ready): void {
    const reads = this.#reads.get(node);
    for (const { context, index } of readStates) {
      const read = reads?.get(context);
      reads?.delete(context);
      check(
        read !== undefined,
        "readIndex",
        () => `${node.address} was allowed a read ${context} that it does not wait for`,
      );
      check(
        index >= read.floor,
        "readIndex",
        () => `${node.address} may read at ${index}: ${read.floor} was committed before it asked`,
      );
      if (read.turn === this.#turnOf(node)) this.#checkLease(node);
    }
    for (const context of droppedReads) reads?.delete(context);
  }

  /** A read that is allowed in the turn in which it began was confirmed by nobody else. */
  #checkLease(node: NodeView): void {
    const { term } = node.status();
    const { leaderTerm } = this.#ledger.of(node.gid);
    check(
      leaderTerm <= term,
      "lease",
      () =>
        `${node.address} serves a read in term ${term}: there is a leader of term ${leaderTerm}`,
    );
  }

  #turnOf(node: NodeView): number {
    return this.#turnsEnded.get(node) ?? 0;
  }
}
