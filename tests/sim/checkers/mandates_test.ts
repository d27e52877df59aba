import { assertTrips, confOf, FakeNode, leaderReady, watching } from "./checker_testing.ts";
import { MandateChecker } from "./mandates.ts";
import { Turns } from "./turns.ts";

function newCheckers() {
  const turns = new Turns();
  return watching(turns, new MandateChecker(turns));
}

function vote(all: ReturnType<typeof newCheckers>, from: number, to: number, reject = false) {
  const message = { from, to, term: 5, reject, commit: 0, commitTerm: 0 };
  all.messageLeft(new FakeNode(from).view, { type: "voteResponse", ...message });
}

Deno.test("Item 1 trips on a leader without the votes of a majority", () => {
  const all = newCheckers();
  const leader = new FakeNode(1);
  all.nodeStarted(leader.view);
  vote(all, 2, 1, true);
  vote(all, 2, 3);
  assertTrips("electionSafety", () => all.roundTaken(leader.view, leaderReady(5)));
  vote(all, 3, 1);
  assertTrips("electionSafety", () => all.roundTaken(leader.view, leaderReady(6)));
  all.roundTaken(leader.view, leaderReady(5));
});

Deno.test("Item 1 trips on a leader that only the new voters, or only the old ones, want", () => {
  for (const wanting of [[2, 3], [4, 5]]) {
    const all = newCheckers();
    const leader = new FakeNode(1);
    leader.conf = { ...confOf(1, 2, 3), votersOutgoing: [1, 4, 5], autoLeave: true };
    all.nodeStarted(leader.view);
    for (const id of wanting) vote(all, id, 1);
    assertTrips("electionSafety", () => all.roundTaken(leader.view, leaderReady(5)));
    vote(all, 2, 1);
    vote(all, 4, 1);
    all.roundTaken(leader.view, leaderReady(5));
  }
});
