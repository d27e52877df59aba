import type { ProgressStatus } from "../../../raft/status.ts";
import { readyOf } from "../../../raft/testing/ready.ts";
import {
  assertTrips,
  entryOf,
  FakeNode,
  leaderReady,
  progressOf,
  watching,
} from "./checker_testing.ts";
import { Ledger } from "./ledger.ts";
import { ProgressChecker } from "./progress.ts";
import { Turns } from "./turns.ts";

const LIMITS = {
  appendBytesMax: 100,
  inflightMessagesMax: 4,
  inflightBytesMax: 1_000,
  uncommittedBytesMax: 50,
  callTimeoutMaxMs: 1_000,
};

function newCheckers() {
  const turns = new Turns();
  const ledger = new Ledger(turns);
  return watching(turns, ledger, new ProgressChecker(turns, ledger, LIMITS));
}

/** A leader of term 2 and a follower whose disk holds two entries of it. */
function leaderAndFollower() {
  const all = newCheckers();
  const [leader, follower] = [new FakeNode(1), new FakeNode(2)];
  follower.save({ term: 2, entries: [entryOf(1, 2), entryOf(2, 2)] });
  all.nodeStarted(leader.view);
  all.nodeStarted(follower.view);
  leader.lead(2);
  const turn = (progress: Partial<ProgressStatus>) => {
    leader.status.progress = new Map([[2, progressOf(progress)]]);
    all.turnEnded(leader.view);
  };
  return { all, leader, follower, turn };
}

Deno.test("Item 12 trips on a match that falls, is not below next, or is not on the disk", () => {
  const { follower, turn } = leaderAndFollower();
  turn({ match: 1, next: 2 });
  turn({ match: 2, next: 3 });
  assertTrips("progress", () => turn({ match: 2, next: 2 }));
  turn({ match: 2, next: 3 });
  assertTrips("progress", () => turn({ match: 1, next: 3 }));
  assertTrips("progress", () => turn({ match: 3, next: 4 }));
  // A newer leader may have cut the follower's log meanwhile.
  follower.save({ term: 3 });
  turn({ match: 3, next: 4 });
});

Deno.test("Item 13 trips on a window that is too full", () => {
  const { turn } = leaderAndFollower();
  turn({ inflightMessages: 4, inflightBytes: 1_099 });
  assertTrips("windows", () => turn({ inflightMessages: 5 }));
  assertTrips("windows", () => turn({ inflightBytes: 1_100 }));
});

Deno.test("Item 13 trips on a message that is too large, unless it is a single entry", () => {
  const { all, leader } = leaderAndFollower();
  const append = {
    type: "append",
    from: 1,
    to: 2,
    term: 2,
    prevIndex: 0,
    prevTerm: 0,
    commit: 0,
  } as const;
  all.messageLeft(leader.view, { ...append, entries: [entryOf(1, 2, "x".repeat(101))] });
  const two = [entryOf(1, 2, "x".repeat(50)), entryOf(2, 2, "x".repeat(51))];
  assertTrips("windows", () => all.messageLeft(leader.view, { ...append, entries: two }));
});

Deno.test("Item 13 trips on proposals beyond the quota of uncommitted bytes", () => {
  const { all, leader } = leaderAndFollower();
  all.roundTaken(leader.view, leaderReady(2, [entryOf(1, 2, "")]));
  all.roundTaken(leader.view, readyOf({ entries: [entryOf(2, 2, "x".repeat(80))] }));
  assertTrips("windows", () => {
    all.roundTaken(leader.view, readyOf({ entries: [entryOf(3, 2, "x")] }));
  });
  leader.status.commit = 2;
  all.roundTaken(leader.view, readyOf({ entries: [entryOf(3, 2, "x".repeat(30))] }));
  assertTrips("windows", () => {
    all.roundTaken(leader.view, readyOf({ entries: [entryOf(4, 2, "x".repeat(21))] }));
  });
});
