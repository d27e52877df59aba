import type { Message } from "../../../raft/message.ts";
import { assertTrips, confOf, entryOf, FakeNode, watching } from "./checker_testing.ts";
import { DurabilityChecker } from "./durability.ts";
import { Ledger } from "./ledger.ts";
import { Turns } from "./turns.ts";

function newCheckers() {
  const turns = new Turns();
  const ledger = new Ledger(turns);
  return watching(turns, ledger, new DurabilityChecker(turns, ledger));
}

const NEWS = { commit: 0, commitTerm: 0 };

function acknowledgement(term: number, index: number, reject = false): Message {
  return { type: "appendResponse", from: 1, to: 2, term, index, reject, hintIndex: 0, hintTerm: 0 };
}

function vote(term: number, to: number, reject = false): Message {
  return { type: "voteResponse", from: 1, to, term, reject, ...NEWS };
}

function candidacy(term: number, lastIndex: number): Message {
  return { type: "vote", from: 1, to: 2, term, lastIndex, lastTerm: 1, force: false, ...NEWS };
}

function storedNode(): { leave: (message: Message) => void; node: FakeNode } {
  const all = newCheckers();
  const node = new FakeNode(1);
  node.save({ term: 3, vote: 2, entries: [entryOf(1, 3), entryOf(2, 3)] });
  all.nodeStarted(node.view);
  return { leave: (message) => all.messageLeft(node.view, message), node };
}

Deno.test("Item 9 trips on an acknowledgement of what is not on disk", () => {
  const { leave } = storedNode();
  leave(acknowledgement(3, 2));
  leave(acknowledgement(3, 9, true));
  // Written before the term changed, and perhaps cut since.
  leave(acknowledgement(2, 9));
  assertTrips("durablePromise", () => leave(acknowledgement(3, 3)));
  assertTrips("durablePromise", () => leave(acknowledgement(4, 2)));
});

Deno.test("Item 9 trips on a vote that is not on disk", () => {
  const { leave } = storedNode();
  leave(vote(3, 2));
  leave(vote(3, 1, true));
  assertTrips("durablePromise", () => leave(vote(3, 1)));
  assertTrips("durablePromise", () => leave(vote(4, 2)));
});

Deno.test("Item 9 trips on a candidacy whose own vote or log is not on disk", () => {
  const { leave, node } = storedNode();
  assertTrips("durablePromise", () => leave(candidacy(3, 2)));
  node.save({ term: 4, vote: 1 });
  leave(candidacy(4, 2));
  assertTrips("durablePromise", () => leave(candidacy(4, 3)));
  assertTrips("durablePromise", () => leave(candidacy(5, 2)));
  // It follows another by now, who has cut its log.
  Object.assign(node.status, { role: "follower", term: 4 });
  leave(candidacy(4, 3));
  Object.assign(node.status, { role: "candidate", term: 4 });
  assertTrips("durablePromise", () => leave(candidacy(4, 3)));
});

/** Three nodes, of which the first leads; entry 1 of term 2 is on the disks of `holders`. */
function commitWith(holders: readonly number[], conf = confOf(1, 2, 3), members = 3): void {
  const all = newCheckers();
  const nodes = Array.from({ length: members }, (_, i) => new FakeNode(i + 1));
  for (const node of nodes) {
    if (holders.includes(node.status.id)) node.save({ term: 2, entries: [entryOf(1, 2)] });
    all.nodeStarted(node.view);
  }
  const leader = nodes[0] as FakeNode;
  leader.conf = conf;
  leader.terms.set(1, 2);
  leader.lead(2, { lastIndex: 1 });
  all.turnEnded(leader.view);
  leader.status.commit = 1;
  all.turnEnded(leader.view);
}

Deno.test("Item 10 trips on a commit that no majority holds on disk", () => {
  commitWith([1, 2]);
  // The leader's own copy counts like any other.
  commitWith([2, 3]);
  assertTrips("durableCommit", () => commitWith([1]));
  assertTrips("durableCommit", () => commitWith([1, 2], confOf(1, 2, 3, 4), 4));
});

Deno.test("Item 10 asks both majorities while members change", () => {
  const joint = { ...confOf(1, 2, 3), votersOutgoing: [3, 4, 5], autoLeave: true };
  commitWith([1, 3, 4], joint, 5);
  assertTrips("durableCommit", () => commitWith([1, 2, 5], joint, 5));
});

/** A leader commits an entry that is on its disk and on that of a node which has ended. */
function commitAfter(how: "stop" | "crash" | "wipe"): void {
  const all = newCheckers();
  const [leader, ended] = [new FakeNode(1), new FakeNode(2)];
  for (const node of [leader, ended]) {
    node.save({ term: 2, entries: [entryOf(1, 2)] });
    all.nodeStarted(node.view);
  }
  leader.terms.set(1, 2);
  leader.lead(2, { lastIndex: 1 });
  all.turnEnded(leader.view);
  all.nodeStopped(ended.view, how);
  leader.status.commit = 1;
  all.turnEnded(leader.view);
}

Deno.test("Item 10 counts what the end of a node leaves, and what a disk had until it was lost", () => {
  for (const how of ["stop", "crash", "wipe"] as const) commitAfter(how);
});

Deno.test("Item 10 does not count a node that has come back on another disk", () => {
  const all = newCheckers();
  const [leader, lost] = [new FakeNode(1), new FakeNode(2)];
  const returned = new FakeNode(2, { life: 2, disk: 2 });
  all.nodeStarted(lost.view);
  all.nodeStopped(lost.view, "wipe");
  for (const node of [leader, returned]) {
    node.save({ term: 2, entries: [entryOf(1, 2)] });
    all.nodeStarted(node.view);
  }
  leader.terms.set(1, 2);
  leader.lead(2, { lastIndex: 1 });
  all.turnEnded(leader.view);
  leader.status.commit = 1;
  assertTrips("durableCommit", () => all.turnEnded(leader.view));
});
