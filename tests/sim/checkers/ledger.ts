/** What is known of each group as a whole, put together from what its nodes did. */
import type { Ready } from "../../../raft/ready.ts";
import type { ConfState, LogIndex, NodeId, Term } from "../../../raft/types.ts";
import type { Gid } from "../../../shardctrler/configuration/config.ts";
import type { StoredContent } from "../../../storage/memory_engine.ts";
import type { AppliedEntry, NodeView, Observer, StopKind } from "../observation.ts";
import type { Turns } from "./turns.ts";

/** An entry that somebody has called committed. */
export interface Committed {
  readonly term: Term;
  /** The term of whoever said so first: it was committed by a leader of that term or an earlier one. */
  readonly claimedIn: Term;
}

/** A configuration of members, and since when it is known to be committed. */
export interface CommittedConf {
  readonly index: LogIndex;
  readonly conf: ConfState;
  readonly claimedIn: Term;
}

export interface Member {
  readonly view: NodeView;
  /** How it ended; undefined while it runs. */
  stopped: StopKind | undefined;
}

export class GroupFacts {
  readonly members = new Map<NodeId, Member>();
  readonly committed = new Map<LogIndex, Committed>();
  /** Highest index that anybody has called committed. */
  commit: LogIndex = 0;
  /** Highest term in which somebody has led. */
  leaderTerm: Term = 0;
  /** The members as of the highest index applied anywhere. */
  conf: CommittedConf | undefined;

  /**
   * What would be left of a member's disk; undefined if not known. Of a disk
   * that was lost it is what was on it: its node kept its promises until then.
   */
  diskOf(id: NodeId): StoredContent | undefined {
    const member = this.members.get(id);
    if (member === undefined) return undefined;
    // An orderly end leaves everything that was written.
    return member.stopped === "stop" ? member.view.content() : member.view.durable();
  }
}

/** Must be told before those who ask it. */
export class Ledger implements Observer {
  readonly #groups = new Map<Gid, GroupFacts>();
  readonly #turns: Turns;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  of(gid: Gid): GroupFacts {
    let facts = this.#groups.get(gid);
    if (facts === undefined) this.#groups.set(gid, facts = new GroupFacts());
    return facts;
  }

  get groups(): ReadonlyMap<Gid, GroupFacts> {
    return this.#groups;
  }

  nodeStarted(node: NodeView): void {
    const { members } = this.of(node.gid);
    // Who comes back on another disk is not the member that lost its own.
    if (node.disk > (members.get(node.id)?.view.disk ?? node.disk)) return;
    members.set(node.id, { view: node, stopped: undefined });
  }

  nodeStopped(node: NodeView, how: StopKind): void {
    const member = this.of(node.gid).members.get(node.id);
    if (member?.view === node) member.stopped = how;
  }

  roundTaken({ gid }: NodeView, { softState }: Ready): void {
    const facts = this.of(gid);
    if (softState?.role === "leader") facts.leaderTerm = Math.max(facts.leaderTerm, softState.term);
  }

  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    const last = applied.at(-1)?.entry.index ?? 0;
    const facts = this.of(node.gid);
    if (!applied.some(({ entry }) => entry.kind === "confChange")) return;
    if (last <= (facts.conf?.index ?? 0)) return;
    facts.conf = { index: last, conf: node.confState, claimedIn: node.status().term };
  }

  turnEnded(node: NodeView): void {
    const facts = this.of(node.gid);
    const { before, now } = this.#turns.of(node);
    for (let index = before.commit + 1; index <= now.commit; index++) {
      const term = node.entryTerm(index);
      if (term === undefined || facts.committed.has(index)) continue;
      facts.committed.set(index, { term, claimedIn: now.term });
    }
    facts.commit = Math.max(facts.commit, now.commit);
  }
}
