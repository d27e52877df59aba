/** Changes of members, and who may lead: items 14 and 15. */
import type { Ready } from "../../../raft/ready.ts";
import type { ConfState, LogIndex, NodeId } from "../../../raft/types.ts";
import type { AppliedEntry, NodeView, Observer } from "../observation.ts";
import { check } from "./items.ts";
import type { Ledger } from "./ledger.ts";
import type { Turns } from "./turns.ts";

export class MembershipChecker implements Observer {
  readonly #turns: Turns;
  readonly #ledger: Ledger;
  /** Of each life: where its log, as far as it was written in this life, has changes of members. */
  readonly #changes = new WeakMap<NodeView, LogIndex[]>();
  readonly #leads = new WeakSet<NodeView>();
  /** Changes that took effect since the last turn; a snapshot may stand for many. */
  readonly #steps = new WeakMap<NodeView, number>();

  constructor(turns: Turns, ledger: Ledger) {
    this.#turns = turns;
    this.#ledger = ledger;
  }

  roundTaken(node: NodeView, { softState, entries, snapshot }: Ready): void {
    if (snapshot !== undefined) this.#steps.set(node, Infinity);
    if (softState?.role === "leader") {
      this.#leads.add(node);
      this.#checkLeader(node, softState.term);
    } else if (softState !== undefined) this.#leads.delete(node);
    const first = entries[0];
    if (first === undefined) return;
    const changes = (this.#changes.get(node) ?? []).filter((index) => index < first.index);
    this.#changes.set(node, changes);
    for (const { index, term, kind } of entries) {
      if (kind !== "confChange") continue;
      if (this.#leads.has(node) && term === node.status().term) {
        checkProposal(node, index, changes.at(-1));
      }
      changes.push(index);
    }
  }

  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    const steps = applied.filter(({ entry }) => entry.kind === "confChange").length;
    if (steps > 0) this.#steps.set(node, (this.#steps.get(node) ?? 0) + steps);
  }

  turnEnded(node: NodeView): void {
    const { confBefore, conf } = this.#turns.of(node);
    const steps = this.#steps.get(node) ?? 0;
    this.#steps.delete(node);
    if (steps > 1 || isSame(confBefore, conf)) return;
    check(
      isStep(confBefore, conf),
      "oneChange",
      () =>
        `The members of ${node.address} went from ${JSON.stringify(confBefore)} to ` +
        `${JSON.stringify(conf)}: majorities of the two may not overlap`,
    );
  }

  #checkLeader(node: NodeView, term: number): void {
    const { confState, id } = node;
    check(
      isVoter(confState, id),
      "voterLeads",
      () => `${node.address} leads in term ${term} and has no vote: ${JSON.stringify(confState)}`,
    );
    const latest = this.#ledger.of(node.gid).conf;
    // A node that does not know that its removal is committed may win, with the
    // votes of both majorities: somebody must go on if nobody alive knows.
    const isKnown = latest !== undefined && node.status().commit >= latest.index;
    check(
      !isKnown || latest.claimedIn >= term || isVoter(latest.conf, id),
      "voterLeads",
      () =>
        `${node.address} was elected in term ${term}: its removal was committed at ` +
        `${latest?.index}`,
    );
  }
}

/** A leader changes members only if nothing else is under way, and once it has committed in its term. */
function checkProposal(node: NodeView, index: LogIndex, earlier: LogIndex | undefined): void {
  const { applied, commit, term } = node.status();
  check(
    earlier === undefined || earlier <= applied,
    "oneChange",
    () =>
      `${node.address} proposed a change of members at ${index}: that at ${earlier} is not ` +
      `applied, only ${applied}`,
  );
  const committedTerm = node.entryTerm(commit);
  check(
    committedTerm === term,
    "oneChange",
    () =>
      `${node.address} proposed a change of members in term ${term} before it had committed ` +
      `in it: its commit index is of term ${committedTerm}`,
  );
}

function isVoter({ voters, votersOutgoing }: ConfState, id: NodeId): boolean {
  return voters.includes(id) || votersOutgoing.includes(id);
}

/** Whether every majority of the one meets every majority of the other. */
function isStep(before: ConfState, after: ConfState): boolean {
  const wasJoint = before.votersOutgoing.length > 0;
  const isJoint = after.votersOutgoing.length > 0;
  if (!wasJoint && isJoint) return isSameSet(before.voters, after.votersOutgoing);
  if (wasJoint && !isJoint) return isSameSet(before.voters, after.voters);
  if (wasJoint) {
    return isSameSet(before.voters, after.voters) &&
      isSameSet(before.votersOutgoing, after.votersOutgoing);
  }
  const changed = [...before.voters, ...after.voters].filter((id) =>
    !before.voters.includes(id) || !after.voters.includes(id)
  );
  return changed.length <= 1;
}

function isSame(a: ConfState, b: ConfState): boolean {
  return a === b || (isSameSet(a.voters, b.voters) && isSameSet(a.learners, b.learners) &&
    isSameSet(a.votersOutgoing, b.votersOutgoing));
}

function isSameSet(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
