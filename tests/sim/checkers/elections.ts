/** Who leads, who votes for whom, and how often: items 1, 8 and 28. */
import type { Message } from "../../../raft/message.ts";
import type { Ready } from "../../../raft/ready.ts";
import type { NodeId, Term } from "../../../raft/types.ts";
import type { Gid } from "../../../shardctrler/configuration/config.ts";
import type { NodeView, Observer } from "../observation.ts";
import { check } from "./items.ts";
import { durableFacts, type StoredFacts } from "./stored_facts.ts";

/** Terms that a group may use up between the end of all faults and the end of the run. */
const TERMS_WITHOUT_FAULTS_MAX = 40;

export class ElectionChecker implements Observer {
  /** The life that led in each term. */
  readonly #leaders = new Map<Gid, Map<Term, NodeView>>();
  /** By disk and term: who was told that it has the vote. */
  readonly #votes = new Map<string, NodeId>();
  /** By disk: what was last seen to be durable. */
  readonly #durable = new Map<string, Pick<StoredFacts, "term" | "vote">>();
  readonly #terms = new Map<Gid, Term>();
  #termsWhenHealed: ReadonlyMap<Gid, Term> | undefined;

  nodeStarted(node: NodeView): void {
    this.#checkVote(node);
  }

  roundTaken(node: NodeView, { softState }: Ready): void {
    if (softState?.role === "leader") this.#noteLeader(node, softState.term);
    const known = this.#terms.get(node.gid) ?? 0;
    if (softState !== undefined && softState.term > known) {
      this.#terms.set(node.gid, softState.term);
    }
  }

  messageLeft(node: NodeView, message: Message): void {
    switch (message.type) {
      case "append":
      case "heartbeat":
      case "snapshot":
      case "timeoutNow":
        return this.#noteLeader(node, message.term);
      case "voteResponse":
        if (!message.reject) this.#noteVote(node, message.term, message.to);
    }
  }

  turnEnded(node: NodeView): void {
    this.#checkVote(node);
  }

  healed(): void {
    this.#termsWhenHealed = new Map(this.#terms);
  }

  ended(): void {
    for (const [gid, term] of this.#terms) {
      const grown = term - (this.#termsWhenHealed?.get(gid) ?? 0);
      check(
        grown <= TERMS_WITHOUT_FAULTS_MAX,
        "electionStorm",
        () => `Group ${gid} went through ${grown} terms after all faults were over`,
      );
    }
  }

  #noteLeader(node: NodeView, term: Term): void {
    let leaders = this.#leaders.get(node.gid);
    if (leaders === undefined) this.#leaders.set(node.gid, leaders = new Map());
    const other = leaders.get(term);
    check(
      other === undefined || other === node,
      "electionSafety",
      () => `${lifeOf(node)} and ${other && lifeOf(other)} both led in term ${term}`,
    );
    leaders.set(term, node);
  }

  #noteVote(node: NodeView, term: Term, candidate: NodeId): void {
    const name = `${diskOf(node)} ${term}`;
    const other = this.#votes.get(name) ?? candidate;
    check(
      other === candidate,
      "oneVote",
      () => `${node.address} gave its vote of term ${term} to ${other} and to ${candidate}`,
    );
    this.#votes.set(name, candidate);
  }

  /** The vote on disk changes only together with the term, in all lives of the disk. */
  #checkVote(node: NodeView): void {
    const { term, vote } = durableFacts(node.durable());
    const disk = diskOf(node);
    const before = this.#durable.get(disk);
    if (before?.term === term && before.vote === vote) return;
    check(
      before === undefined || term > before.term ||
        (term === before.term && (before.vote === 0 || before.vote === vote)),
      "oneVote",
      () =>
        `On the disk of ${node.address} the vote for ${before?.vote} in term ${before?.term} ` +
        `became one for ${vote} in term ${term}`,
    );
    this.#durable.set(disk, { term, vote });
    if (vote !== 0) this.#noteVote(node, term, vote);
  }
}

function diskOf({ address, disk }: NodeView): string {
  return `${address} ${disk}`;
}

function lifeOf({ address, life }: NodeView): string {
  return `${address} in its life ${life}`;
}
