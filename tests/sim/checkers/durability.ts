/** What is promised and what is on disk: items 9 and 10. */
import type { AppendResponse, Message, VoteRequest, VoteResponse } from "../../../raft/message.ts";
import type { ConfState, LogIndex, NodeId, Term } from "../../../raft/types.ts";
import type { NodeView, Observer } from "../observation.ts";
import { check } from "./items.ts";
import type { Ledger } from "./ledger.ts";
import { durableFacts, holdsEntry } from "./stored_facts.ts";
import { ledThroughout, type Turns } from "./turns.ts";

export class DurabilityChecker implements Observer {
  readonly #turns: Turns;
  readonly #ledger: Ledger;

  constructor(turns: Turns, ledger: Ledger) {
    this.#turns = turns;
    this.#ledger = ledger;
  }

  messageLeft(node: NodeView, message: Message): void {
    switch (message.type) {
      case "vote":
        return checkCandidacy(node, message);
      case "voteResponse":
        return checkVote(node, message);
      case "appendResponse":
        return checkAcknowledgement(node, message);
    }
  }

  turnEnded(node: NodeView): void {
    const turn = this.#turns.of(node);
    const { before, now } = turn;
    if (!ledThroughout(turn) || now.commit === before.commit) return;
    const term = node.entryTerm(now.commit);
    if (term === undefined) return;
    // A change of members that took effect in this turn did so after what it let commit, or before.
    const confs = [turn.confBefore, turn.conf];
    check(
      confs.some((conf) => this.#isHeldByQuorum(node, conf, now.commit, term)),
      "durableCommit",
      () =>
        `${node.address} committed ${now.commit} of term ${term}, which of ` +
        `${JSON.stringify(turn.conf)} only ${this.#holders(node, now.commit, term)} have on disk`,
    );
  }

  #isHeldByQuorum(node: NodeView, conf: ConfState, index: LogIndex, term: Term): boolean {
    const isMajority = (voters: readonly NodeId[]) => {
      const holders = voters.filter((id) => this.#holds(node, id, index, term));
      return voters.length === 0 || holders.length * 2 > voters.length;
    };
    return isMajority(conf.voters) && isMajority(conf.votersOutgoing);
  }

  #holders({ gid, confState }: NodeView, index: LogIndex, term: Term): NodeId[] {
    const { voters, votersOutgoing } = confState;
    const all = [...new Set([...voters, ...votersOutgoing])];
    const facts = this.#ledger.of(gid);
    return all.filter((id) => {
      const disk = facts.diskOf(id);
      return disk !== undefined && holdsEntry(disk, index, term);
    });
  }

  #holds({ gid }: NodeView, id: NodeId, index: LogIndex, term: Term): boolean {
    const disk = this.#ledger.of(gid).diskOf(id);
    return disk !== undefined && holdsEntry(disk, index, term);
  }
}

/**
 * Asking for votes promises that this node has voted for itself, and what its
 * log ends with. A request may leave when a leader of its very term has cut the
 * log already: nobody counts its votes any more.
 */
function checkCandidacy(node: NodeView, { term, lastIndex }: VoteRequest): void {
  const stored = durableFacts(node.durable());
  const { role, term: termNow } = node.status();
  const isOver = role === "follower" && termNow === term;
  check(
    stored.term > term || (stored.term === term && stored.vote === node.id),
    "durablePromise",
    () =>
      `${node.address} campaigns in term ${term}: its disk says vote ${stored.vote} in term ` +
      `${stored.term}`,
  );
  check(
    stored.term > term || isOver || stored.last >= lastIndex,
    "durablePromise",
    () =>
      `${node.address} campaigns with a log up to ${lastIndex}, its disk ends at ${stored.last}`,
  );
}

function checkVote(node: NodeView, { term, to, reject }: VoteResponse): void {
  const stored = durableFacts(node.durable());
  check(
    reject || stored.term > term || (stored.term === term && stored.vote === to),
    "durablePromise",
    () =>
      `${node.address} told ${to} that it has the vote of term ${term}: its disk says ` +
      `vote ${stored.vote} in term ${stored.term}`,
  );
}

/** Of a later term on disk nothing follows: what was acknowledged before may have been cut since. */
function checkAcknowledgement(node: NodeView, { term, index, reject }: AppendResponse): void {
  if (reject) return;
  const stored = durableFacts(node.durable());
  check(
    stored.term > term || (stored.term === term && stored.last >= index),
    "durablePromise",
    () =>
      `${node.address} acknowledged ${index} in term ${term}: its disk ends at ${stored.last} ` +
      `in term ${stored.term}`,
  );
}
