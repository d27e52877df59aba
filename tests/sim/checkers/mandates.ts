/** Whoever leads was voted for by a majority of the voters, of both halves while they change: item 1. */
import type { Message } from "../../../raft/message.ts";
import type { Ready } from "../../../raft/ready.ts";
import type { ConfState, NodeId } from "../../../raft/types.ts";
import type { NodeView, Observer } from "../observation.ts";
import { check } from "./items.ts";
import type { Turns } from "./turns.ts";

export class MandateChecker implements Observer {
  readonly #turns: Turns;
  /** By group, term and candidate: who has said that it votes for it. */
  readonly #voters = new Map<string, Set<NodeId>>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  messageLeft({ gid, id }: NodeView, message: Message): void {
    if (message.type !== "voteResponse" || message.reject) return;
    const name = nameOf(gid, message.term, message.to);
    const voters = this.#voters.get(name) ?? new Set();
    this.#voters.set(name, voters.add(id));
  }

  roundTaken(node: NodeView, { softState }: Ready): void {
    if (softState?.role !== "leader") return;
    const { gid, id, address, confState } = node;
    const voters = new Set(this.#voters.get(nameOf(gid, softState.term, id))).add(id);
    // A change may have come into force since the last vote was counted.
    const confs = [confState, this.#turns.of(node).conf];
    check(
      confs.some((conf) => isMandate(conf, voters)),
      "electionSafety",
      () =>
        `${address} leads in term ${softState.term} by the votes of ${[...voters]}, which are no ` +
        `majority of ${JSON.stringify(confState)}`,
    );
  }
}

function nameOf(gid: number, term: number, candidate: NodeId): string {
  return `${gid} ${term} ${candidate}`;
}

function isMandate({ voters, votersOutgoing }: ConfState, granted: ReadonlySet<NodeId>): boolean {
  return [voters, votersOutgoing].every((half) => {
    const count = half.filter((id) => granted.has(id)).length;
    return half.length === 0 || 2 * count > half.length;
  });
}
