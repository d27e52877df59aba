import type { Entry } from "../../../raft/types.ts";
import { readyOf } from "../../../raft/testing/ready.ts";
import { assertTrips, entryOf, FakeNode, leaderReady, watching } from "./checker_testing.ts";
import { Ledger } from "./ledger.ts";
import { LogChecker } from "./log.ts";
import { Turns } from "./turns.ts";

function newCheckers() {
  const turns = new Turns();
  const ledger = new Ledger(turns);
  return watching(turns, ledger, new LogChecker(turns, ledger));
}

/** Makes the node's log end with these entries, as its core would have it. */
function give(node: FakeNode, ...entries: Entry[]): void {
  for (const { index, term } of entries) node.terms.set(index, term);
  const last = entries.at(-1)?.index ?? 0;
  node.status.lastIndex = last;
  node.status.persistedIndex = last;
}

function started(all: ReturnType<typeof newCheckers>, id: number): FakeNode {
  const node = new FakeNode(id);
  all.nodeStarted(node.view);
  return node;
}

Deno.test("Item 2 trips on a leader that overwrites its log, not on a follower that does", () => {
  const all = newCheckers();
  const leader = started(all, 1);
  leader.lead(2);
  give(leader, entryOf(1, 2));
  all.roundTaken(leader.view, leaderReady(2, [entryOf(1, 2)]));
  give(leader, entryOf(2, 2));
  all.roundTaken(leader.view, readyOf({ entries: [entryOf(2, 2)] }));
  assertTrips("leaderAppendsOnly", () => {
    all.roundTaken(leader.view, readyOf({ entries: [entryOf(2, 2)] }));
  });
  Object.assign(leader.status, { role: "follower", term: 3 });
  const softState = { role: "follower", leader: 2, term: 3 } as const;
  all.roundTaken(leader.view, readyOf({ softState, entries: [entryOf(2, 3)] }));
});

Deno.test("Item 2 trips on a leader that cuts its log", () => {
  const all = newCheckers();
  const leader = started(all, 1);
  leader.lead(2);
  give(leader, entryOf(1, 2), entryOf(2, 2));
  all.turnEnded(leader.view);
  leader.status.lastIndex = 1;
  leader.status.persistedIndex = 1;
  assertTrips("leaderAppendsOnly", () => all.turnEnded(leader.view));
});

Deno.test("Item 3 trips on two entries of one index and term, by content and by what is before", () => {
  const all = newCheckers();
  const [a, b] = [started(all, 1), started(all, 2)];
  give(a, entryOf(1, 1), entryOf(2, 3));
  all.roundTaken(a.view, readyOf({ entries: [entryOf(1, 1), entryOf(2, 3)] }));
  const append = { type: "append", from: 1, to: 3, term: 3, commit: 0 } as const;
  const entries = [entryOf(2, 3)];
  all.messageLeft(a.view, { ...append, prevIndex: 1, prevTerm: 1, entries });
  assertTrips("logMatching", () => {
    all.messageLeft(a.view, { ...append, prevIndex: 1, prevTerm: 2, entries });
  });
  give(b, entryOf(1, 1));
  assertTrips("logMatching", () => {
    all.roundTaken(b.view, readyOf({ entries: [entryOf(1, 1, "other")] }));
  });
});

Deno.test("Item 4 trips on a leader that lacks what was committed in an earlier term", () => {
  const all = newCheckers();
  const old = started(all, 1);
  give(old, entryOf(1, 1), entryOf(2, 1));
  Object.assign(old.status, { commit: 2 });
  all.turnEnded(old.view);
  const complete = started(all, 2);
  give(complete, entryOf(1, 1), entryOf(2, 1));
  complete.lead(2);
  all.roundTaken(complete.view, leaderReady(2));
  const stale = started(all, 3);
  give(stale, entryOf(1, 1), entryOf(2, 2));
  stale.lead(3);
  assertTrips("leaderCompleteness", () => all.roundTaken(stale.view, leaderReady(3)));
});

Deno.test("Item 4 lets a leader of an earlier term lack what a later one has committed", () => {
  const all = newCheckers();
  const newer = started(all, 1);
  newer.status.term = 5;
  give(newer, entryOf(1, 5));
  newer.status.commit = 1;
  all.turnEnded(newer.view);
  const late = started(all, 2);
  late.lead(4);
  all.roundTaken(late.view, leaderReady(4));
});

Deno.test("Item 5 trips on two entries applied at one index", () => {
  const all = newCheckers();
  const [a, b] = [started(all, 1), started(all, 2)];
  all.entriesApplied(a.view, [{ entry: entryOf(1, 1), replies: [] }]);
  all.entriesApplied(b.view, [{ entry: entryOf(1, 1), replies: [] }]);
  assertTrips("stateMachineSafety", () => {
    all.entriesApplied(b.view, [{ entry: entryOf(1, 1, "other"), replies: [] }]);
  });
  assertTrips("stateMachineSafety", () => {
    all.entriesApplied(b.view, [{ entry: entryOf(1, 2), replies: [] }]);
  });
});

Deno.test("Item 5 trips on two entries called committed at one index", () => {
  const all = newCheckers();
  const [a, b] = [started(all, 1), started(all, 2)];
  for (const [node, term] of [[a, 1], [b, 2]] as const) {
    give(node, entryOf(1, term));
    node.status.commit = 1;
  }
  all.turnEnded(a.view);
  assertTrips("stateMachineSafety", () => all.turnEnded(b.view));
});

Deno.test("Item 7 trips on indexes out of order and on a gap behind what is applied", () => {
  const all = newCheckers();
  const node = started(all, 1);
  const set = (applied: number, commit: number, lastIndex: number, firstIndex: number) => {
    Object.assign(node.status, {
      applied,
      commit,
      lastIndex,
      firstIndex,
      persistedIndex: lastIndex,
    });
  };
  set(2, 3, 4, 3);
  all.turnEnded(node.view);
  for (
    const [applied, commit, last, first] of [[4, 3, 5, 1], [3, 6, 5, 1], [3, 4, 5, 5]] as const
  ) {
    set(applied, commit, last, first);
    assertTrips("indexOrder", () => all.turnEnded(node.view));
  }
  // A snapshot that is not live yet explains the gap.
  const conf = node.conf;
  all.roundTaken(node.view, readyOf({ snapshot: { index: 5, term: 1, confState: conf, id: 1 } }));
  set(3, 5, 5, 6);
  all.turnEnded(node.view);
});

Deno.test("Item 7 trips on a disk with a hole in its log", () => {
  const node = new FakeNode(1);
  node.save({ term: 1, entries: [entryOf(1, 1), entryOf(2, 1), entryOf(3, 1)] });
  Object.assign(node.status, { lastIndex: 3, persistedIndex: 3 });
  newCheckers().nodeStarted(node.view);
  const torn = new FakeNode(2);
  torn.save({ term: 1, entries: [entryOf(1, 1)] });
  torn.save({ entries: [entryOf(3, 1)] });
  assertTrips("indexOrder", () => newCheckers().nodeStarted(torn.view));
});

Deno.test("Item 11 trips on a leader that commits up to an entry of an earlier term", () => {
  const all = newCheckers();
  const leader = started(all, 1);
  give(leader, entryOf(1, 1), entryOf(2, 3));
  leader.lead(3);
  all.turnEnded(leader.view);
  leader.status.commit = 2;
  all.turnEnded(leader.view);
  const hasty = started(all, 2);
  give(hasty, entryOf(1, 1), entryOf(2, 4));
  hasty.lead(4);
  all.turnEnded(hasty.view);
  hasty.status.commit = 1;
  assertTrips("ownTermCommit", () => all.turnEnded(hasty.view));
});
