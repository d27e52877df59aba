import type { Message } from "../../../raft/message.ts";
import { readyOf } from "../../../raft/testing/ready.ts";
import { assertTrips, FakeNode, leaderReady } from "./checker_testing.ts";
import { ElectionChecker } from "./elections.ts";
import type { NodeView } from "../observation.ts";

function heartbeat(from: number, term: number): Message {
  return { type: "heartbeat", from, to: 9, term, commit: 0, context: 0 };
}

function vote(from: number, to: number, term: number, reject = false): Message {
  return { type: "voteResponse", from, to, term, reject, commit: 0, commitTerm: 0 };
}

function withdrawn(checker: ElectionChecker, node: NodeView, term: number): void {
  checker.roundTaken(node, readyOf({ softState: { role: "candidate", leader: 0, term } }));
}

Deno.test("Item 1 trips on a second leader of a term, however long ago the first one led", () => {
  const checker = new ElectionChecker();
  const [a, b] = [new FakeNode(1).view, new FakeNode(2).view];
  checker.roundTaken(a, leaderReady(3));
  checker.messageLeft(a, heartbeat(1, 3));
  checker.roundTaken(b, leaderReady(4));
  assertTrips("electionSafety", () => checker.messageLeft(b, heartbeat(2, 3)));
});

Deno.test("Item 1 trips on a node that leads again in a term that it led before its restart", () => {
  const checker = new ElectionChecker();
  checker.roundTaken(new FakeNode(1).view, leaderReady(3));
  assertTrips("electionSafety", () => {
    checker.roundTaken(new FakeNode(1, { life: 2 }).view, leaderReady(3));
  });
});

Deno.test("Item 1 lets groups elect leaders of the same term", () => {
  const checker = new ElectionChecker();
  checker.roundTaken(new FakeNode(1, { gid: 1 }).view, leaderReady(3));
  checker.roundTaken(new FakeNode(1, { gid: 2 }).view, leaderReady(3));
});

Deno.test("Item 8 trips on two votes of a term, also from two lives of a disk", () => {
  const checker = new ElectionChecker();
  checker.messageLeft(new FakeNode(1).view, vote(1, 2, 5));
  checker.messageLeft(new FakeNode(1).view, vote(1, 2, 5));
  checker.messageLeft(new FakeNode(1).view, vote(1, 3, 5, true));
  checker.messageLeft(new FakeNode(1).view, vote(1, 3, 6));
  assertTrips("oneVote", () => {
    checker.messageLeft(new FakeNode(1, { life: 2 }).view, vote(1, 3, 5));
  });
});

Deno.test("Item 8 trips on a disk whose vote changes within a term, or whose term falls", () => {
  const checker = new ElectionChecker();
  const node = new FakeNode(1);
  const saved = (term: number, vote: number) => {
    node.save({ term, vote });
    checker.turnEnded(node.view);
  };
  saved(4, 0);
  saved(4, 2);
  saved(4, 2);
  saved(5, 3);
  assertTrips("oneVote", () => saved(5, 2));
  assertTrips("oneVote", () => saved(4, 3));
});

Deno.test("Item 28 trips on endless elections once all faults are over", () => {
  const node = new FakeNode(1).view;
  const calm = new ElectionChecker();
  withdrawn(calm, node, 500);
  calm.healed();
  withdrawn(calm, node, 505);
  calm.ended();
  const storm = new ElectionChecker();
  withdrawn(storm, node, 5);
  storm.healed();
  withdrawn(storm, node, 100);
  assertTrips("electionStorm", () => storm.ended());
});
