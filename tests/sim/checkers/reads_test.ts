import { readyOf } from "../../../raft/testing/ready.ts";
import { assertTrips, FakeNode, leaderReady, watching } from "./checker_testing.ts";
import { Ledger } from "./ledger.ts";
import { ReadChecker } from "./reads.ts";
import { Turns } from "./turns.ts";

function newCheckers() {
  const turns = new Turns();
  const ledger = new Ledger(turns);
  return watching(turns, ledger, new ReadChecker(ledger));
}

/** A leader of term 2; somebody else knows that 7 is committed. */
function leaderAmongOthers() {
  const all = newCheckers();
  const [leader, other] = [new FakeNode(1), new FakeNode(2)];
  all.nodeStarted(leader.view);
  all.nodeStarted(other.view);
  leader.lead(2);
  all.roundTaken(leader.view, leaderReady(2));
  other.status.commit = 7;
  all.turnEnded(other.view);
  const confirm = (context: number, index: number) =>
    all.roundTaken(leader.view, readyOf({ readStates: [{ context, index }] }));
  return { all, leader, other, confirm };
}

Deno.test("Item 16 trips on a read index below what was committed when the read began", () => {
  const { all, leader, other, confirm } = leaderAmongOthers();
  all.readStarted(leader.view, 1);
  all.readStarted(leader.view, 2);
  other.status.commit = 9;
  all.turnEnded(other.view);
  all.turnEnded(leader.view);
  confirm(1, 7);
  assertTrips("readIndex", () => confirm(2, 6));
});

Deno.test("Item 16 trips on a read that nobody asked for, or that was dropped", () => {
  const { all, leader, confirm } = leaderAmongOthers();
  assertTrips("readIndex", () => confirm(1, 9));
  all.readStarted(leader.view, 2);
  all.roundTaken(leader.view, readyOf({ droppedReads: [2] }));
  assertTrips("readIndex", () => confirm(2, 9));
});

Deno.test("Item 17 trips on a read nobody confirmed while there is a newer leader", () => {
  const { all, leader, other, confirm } = leaderAmongOthers();
  all.readStarted(leader.view, 1);
  confirm(1, 7);
  all.readStarted(leader.view, 2);
  other.lead(3);
  all.roundTaken(other.view, leaderReady(3));
  assertTrips("lease", () => confirm(2, 7));
  // One that took a round of messages began while the leader still led.
  all.readStarted(leader.view, 3);
  all.turnEnded(leader.view);
  confirm(3, 7);
});
