/** The replicated log: items 2, 3, 4, 5, 7 and 11. */
import type { Message } from "../../../raft/message.ts";
import type { Ready } from "../../../raft/ready.ts";
import type { RawNodeStatus } from "../../../raft/status.ts";
import type { Entry, LogIndex, Term } from "../../../raft/types.ts";
import type { Gid } from "../../../shardctrler/configuration/config.ts";
import type { AppliedEntry, NodeView, Observer } from "../observation.ts";
import { digestOf } from "./entry_facts.ts";
import { check } from "./items.ts";
import type { Ledger } from "./ledger.ts";
import { readFacts, storedSizes } from "./stored_facts.ts";
import { ledThroughout, type Turns } from "./turns.ts";

/** The entry of an index and term: unique in a group, with all that comes before it. */
interface Known {
  readonly previousTerm: Term;
  readonly digest: string;
}

export class LogChecker implements Observer {
  readonly #turns: Turns;
  readonly #ledger: Ledger;
  /** By group, index and term. */
  readonly #known = new Map<string, Known>();
  readonly #applied = new Map<string, string>();
  /** Of lives that lead: the last entry of their log, and the term. */
  readonly #leading = new WeakMap<NodeView, { readonly term: Term; last: LogIndex }>();

  /** Index of the latest snapshot of a life. */
  readonly #brought = new WeakMap<NodeView, LogIndex>();

  constructor(turns: Turns, ledger: Ledger) {
    this.#turns = turns;
    this.#ledger = ledger;
  }

  nodeStarted(node: NodeView): void {
    const content = node.content();
    const { start, last, applied } = readFacts(content);
    const records = storedSizes(content).size;
    check(
      last - start.index === records,
      "indexOrder",
      () => `${node.address} stores ${records} entries behind ${start.index}, the last is ${last}`,
    );
    check(
      start.index <= applied.index && applied.index <= last,
      "indexOrder",
      () => `${node.address} applied ${applied.index} of a log from ${start.index} to ${last}`,
    );
    checkOrder(node, node.status(), 0);
  }

  roundTaken(node: NodeView, ready: Ready): void {
    const { entries, softState, snapshot } = ready;
    if (snapshot !== undefined) this.#brought.set(node, snapshot.index);
    const first = entries[0];
    if (first !== undefined) {
      this.#checkLeaderAppends(node, first, softState?.role);
      this.#note(node.gid, entries, node.entryTerm(first.index - 1));
    }
    const status = entries.length > 0 || softState !== undefined ? node.status() : undefined;
    if (status !== undefined) this.#noteLeading(node, status);
    if (softState?.role === "leader") this.#checkCompleteness(node, softState.term);
  }

  messageLeft({ gid }: NodeView, message: Message): void {
    if (message.type === "append") this.#note(gid, message.entries, message.prevTerm);
  }

  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    for (const { entry } of applied) {
      const name = `${node.gid} ${entry.index}`;
      const digest = `term ${entry.term}, ${digestOf(entry)}`;
      const other = this.#applied.get(name) ?? digest;
      check(
        digest === other,
        "stateMachineSafety",
        () => `${node.address} applied at ${entry.index} an entry of ${digest}, others of ${other}`,
      );
      this.#applied.set(name, digest);
    }
  }

  turnEnded(node: NodeView): void {
    const turn = this.#turns.of(node);
    const { before, now } = turn;
    checkOrder(node, now, this.#brought.get(node) ?? 0);
    this.#checkClaims(node, before, now);
    if (!ledThroughout(turn)) return;
    check(
      now.lastIndex >= before.lastIndex,
      "leaderAppendsOnly",
      () => `${node.address} led and cut its log from ${before.lastIndex} to ${now.lastIndex}`,
    );
    const term = now.commit > before.commit ? node.entryTerm(now.commit) : now.term;
    check(
      term === now.term,
      "ownTermCommit",
      () => `${node.address} leads in term ${now.term} and committed up to an entry of ${term}`,
    );
  }

  #checkLeaderAppends(node: NodeView, first: Entry, role: string | undefined): void {
    const leading = this.#leading.get(node);
    const isFollower = role !== undefined && role !== "leader";
    if (leading === undefined || isFollower || node.status().term !== leading.term) return;
    check(
      first.index === leading.last + 1,
      "leaderAppendsOnly",
      () => `${node.address} leads a log up to ${leading.last} and writes from ${first.index}`,
    );
  }

  #noteLeading(node: NodeView, { role, term, lastIndex }: RawNodeStatus): void {
    if (role === "leader") this.#leading.set(node, { term, last: lastIndex });
    else this.#leading.delete(node);
  }

  #note(gid: Gid, entries: readonly Entry[], termBefore: Term | undefined): void {
    let previousTerm = termBefore;
    for (const entry of entries) {
      const name = `${gid} ${entry.index} ${entry.term}`;
      const known = this.#known.get(name);
      const digest = digestOf(entry);
      check(
        known === undefined ||
          (known.digest === digest && known.previousTerm === (previousTerm ?? known.previousTerm)),
        "logMatching",
        () =>
          `Two entries of group ${gid} at ${entry.index} in term ${entry.term}: ${digest} behind ` +
          `term ${previousTerm}, ${known?.digest} behind term ${known?.previousTerm}`,
      );
      if (previousTerm !== undefined) this.#known.set(name, { previousTerm, digest });
      previousTerm = entry.term;
    }
  }

  /** A new leader has the last entry that was committed in an earlier term, and so all before. */
  #checkCompleteness(node: NodeView, term: Term): void {
    const { committed, commit } = this.#ledger.of(node.gid);
    for (let index = commit; index > 0; index--) {
      const entry = committed.get(index);
      if (entry === undefined || entry.claimedIn >= term) continue;
      const { firstIndex } = node.status();
      const own = node.entryTerm(index);
      check(
        own === entry.term || index < firstIndex,
        "leaderCompleteness",
        () =>
          `${node.address} leads in term ${term} with an entry of ${own} at ${index}: ` +
          `one of term ${entry.term} was committed`,
      );
      return;
    }
  }

  /** Whoever calls an entry committed means the same one. */
  #checkClaims(node: NodeView, before: RawNodeStatus, now: RawNodeStatus): void {
    const { committed } = this.#ledger.of(node.gid);
    for (let index = before.commit + 1; index <= now.commit; index++) {
      const term = node.entryTerm(index);
      const known = committed.get(index);
      check(
        term === undefined || known === undefined || known.term === term,
        "stateMachineSafety",
        () => `${node.address} committed an entry of ${term} at ${index}, others of ${known?.term}`,
      );
    }
  }
}

/** @param brought Index of the latest snapshot: until it is live, the log begins behind what is applied */
function checkOrder(node: NodeView, status: RawNodeStatus, brought: LogIndex): void {
  const { applied, commit, persistedIndex, lastIndex, firstIndex } = status;
  check(
    applied <= commit && commit <= lastIndex && persistedIndex <= lastIndex &&
      firstIndex <= Math.max(applied, brought) + 1,
    "indexOrder",
    () =>
      `${node.address} has applied ${applied}, committed ${commit}, saved ${persistedIndex}, ` +
      `and a log from ${firstIndex} to ${lastIndex}`,
  );
}
