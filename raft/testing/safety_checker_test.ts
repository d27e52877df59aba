import { assertThrows } from "@std/assert";
import type { Ready } from "../ready.ts";
import type { LogIndex, Term } from "../types.ts";
import { accepted } from "./messages.ts";
import { SafetyChecker } from "./safety_checker.ts";
import { entriesOfTerms, TestNode, voters } from "./test_node.ts";

/** A node that has saved a round of term 4 with which it acknowledges up to `index` in `term`. */
function acknowledge(term: Term, index: LogIndex, round: Partial<Ready>): void {
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 1, 2, 2, 2], hardState: { term: 4 } });
  const saved: Ready = {
    softState: undefined,
    hardState: undefined,
    snapshot: undefined,
    entries: [],
    messages: [],
    messagesAfterPersist: [accepted({ from: 1, to: 2, term, index })],
    committedEntries: [],
    readStates: [],
    droppedReads: [],
    ...round,
  };
  node.disk.save(saved, []);
  new SafetyChecker([node]).afterSave(node, saved);
}

Deno.test("SafetyChecker lets a node acknowledge what is on disk, and what a later leader replaced before it was", () => {
  acknowledge(4, 5, {});
  acknowledge(4, 6, { entries: entriesOfTerms([4], 6) });
  acknowledge(2, 5, {});
  acknowledge(2, 7, { entries: entriesOfTerms([4], 4) });
  acknowledge(2, 7, { entries: entriesOfTerms([2, 4], 6) });
  const snapshot = { index: 5, term: 3, confState: voters(1, 2, 3), id: 0 };
  acknowledge(2, 7, { snapshot });
});

Deno.test("SafetyChecker stops a node that acknowledges what is not on disk", () => {
  const cases: [what: string, term: Term, index: LogIndex, round: Partial<Ready>][] = [
    ["to its leader", 4, 6, {}],
    ["to its leader, in place of other entries", 4, 6, { entries: entriesOfTerms([4], 4) }],
    ["to a leader that was deposed", 2, 6, {}],
    ["beside entries of its own term", 2, 7, { entries: entriesOfTerms([2], 6) }],
    ["beside entries of an older term", 2, 7, { entries: entriesOfTerms([1], 4) }],
  ];
  for (const [what, term, index, round] of cases) {
    assertThrows(() => acknowledge(term, index, round), Error, "but the disk ended at", what);
  }
});
