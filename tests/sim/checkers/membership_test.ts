import type { ConfState } from "../../../raft/types.ts";
import { readyOf } from "../../../raft/testing/ready.ts";
import {
  assertTrips,
  confOf,
  entryOf,
  FakeNode,
  leaderReady,
  watching,
} from "./checker_testing.ts";
import { Ledger } from "./ledger.ts";
import { MembershipChecker } from "./membership.ts";
import { Turns } from "./turns.ts";

function newCheckers() {
  const turns = new Turns();
  const ledger = new Ledger(turns);
  return watching(turns, ledger, new MembershipChecker(turns, ledger));
}

function started(all: ReturnType<typeof newCheckers>, id: number): FakeNode {
  const node = new FakeNode(id);
  all.nodeStarted(node.view);
  return node;
}

const change = (index: number, term: number) => entryOf(index, term, "change", "confChange");

Deno.test("Item 14 trips on a change of members while one before is not applied", () => {
  const all = newCheckers();
  const leader = started(all, 1);
  leader.lead(2, { commit: 1, applied: 1 });
  leader.terms.set(1, 2);
  all.roundTaken(leader.view, leaderReady(2, [change(2, 2)]));
  assertTrips("oneChange", () => {
    all.roundTaken(leader.view, readyOf({ entries: [change(3, 2)] }));
  });
  leader.status.applied = 2;
  all.roundTaken(leader.view, readyOf({ entries: [change(3, 2)] }));
});

Deno.test("Item 14 trips on a change of members before a commit in the own term", () => {
  const all = newCheckers();
  const leader = started(all, 1);
  leader.lead(3, { commit: 1, applied: 1 });
  leader.terms.set(1, 2);
  assertTrips("oneChange", () => all.roundTaken(leader.view, leaderReady(3, [change(2, 3)])));
});

Deno.test("Item 14 trips on voters that change without a joint configuration between", () => {
  const become = (from: ConfState, to: ConfState) => {
    const all = newCheckers();
    const node = new FakeNode(1);
    node.conf = from;
    all.nodeStarted(node.view);
    node.conf = to;
    all.entriesApplied(node.view, [{ entry: change(1, 1), replies: [] }]);
    all.turnEnded(node.view);
  };
  const joint = { ...confOf(3, 4, 5), votersOutgoing: [1, 2, 3], autoLeave: true };
  become(confOf(1, 2, 3), joint);
  become(joint, confOf(3, 4, 5));
  become(confOf(1, 2, 3), confOf(1, 2, 3, 4));
  become(confOf(1, 2, 3), { ...confOf(1, 2, 3), learners: [4] });
  assertTrips("oneChange", () => become(confOf(1, 2, 3), confOf(3, 4, 5)));
  assertTrips("oneChange", () => become(confOf(1, 2, 4), joint));
  assertTrips("oneChange", () => become(joint, confOf(1, 2, 3)));
});

Deno.test("Item 15 trips on a learner that leads", () => {
  const all = newCheckers();
  const learner = started(all, 4);
  learner.conf = { ...confOf(1, 2, 3), learners: [4] };
  learner.lead(2);
  assertTrips("voterLeads", () => all.roundTaken(learner.view, leaderReady(2)));
  learner.conf = confOf(1, 2, 3, 4);
  all.roundTaken(learner.view, leaderReady(2));
});

Deno.test("Item 15 trips on a node that is elected although it knows that its removal was committed", () => {
  const all = newCheckers();
  const [other, removed] = [started(all, 1), started(all, 3)];
  other.conf = confOf(1, 2);
  other.status.term = 2;
  all.entriesApplied(other.view, [{ entry: change(5, 2), replies: [] }]);
  removed.lead(2);
  all.roundTaken(removed.view, leaderReady(2));
  removed.lead(3);
  removed.status.commit = 5;
  assertTrips("voterLeads", () => all.roundTaken(removed.view, leaderReady(3)));
});

Deno.test("Item 15 passes a node that is elected and does not know that its removal was committed", () => {
  const all = newCheckers();
  const [other, removed] = [started(all, 1), started(all, 3)];
  other.conf = confOf(1, 2);
  other.status.term = 2;
  all.entriesApplied(other.view, [{ entry: change(5, 2), replies: [] }]);
  removed.lead(3);
  removed.status.commit = 4;
  all.roundTaken(removed.view, leaderReady(3));
});
