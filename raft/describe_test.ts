import { assertEquals } from "@std/assert";
import {
  describeEntries,
  describeEntry,
  describeMessage,
  describeReady,
  describeStatus,
} from "./describe.ts";
import { accepted, append, heartbeat, vote, voteResponse } from "./testing/messages.ts";
import { elect, entriesOfTerms, TestNode, voters } from "./testing/test_node.ts";

Deno.test("describeEntry() shows short text and counts everything else", () => {
  const entry = { index: 7, term: 3, kind: "normal" as const };
  assertEquals(describeEntry({ ...entry, data: new TextEncoder().encode("hi") }), '3/7 "hi"');
  assertEquals(describeEntry({ ...entry, data: new Uint8Array(0) }), "3/7");
  assertEquals(describeEntry({ ...entry, data: new Uint8Array(17).fill(65) }), "3/7 (17 B)");
  assertEquals(describeEntry({ ...entry, data: new Uint8Array([10]) }), "3/7 (1 B)");
  const change = { ...entry, kind: "confChange" as const, data: new Uint8Array(2) };
  assertEquals(describeEntry(change), "3/7 confChange (2 B)");
});

Deno.test("describeEntries() lists a few and shows the range of many", () => {
  assertEquals(describeEntries([]), "[]");
  assertEquals(describeEntries(entriesOfTerms([1, 2])), '[1/1 "1/1", 2/2 "2/2"]');
  assertEquals(describeEntries(entriesOfTerms([1, 1, 1, 2, 3])), "[1/1..3/5]");
});

Deno.test("describeMessage() says everything that matters in a line", () => {
  const confState = { ...voters(1, 2), learners: [3] };
  const snapshot = { index: 9, term: 2, confState, id: 1 };
  const answer = { type: "readIndexResponse", from: 2, to: 1, term: 4, context: 7 } as const;
  const lines = [
    describeMessage(vote({ type: "preVote", term: 4, lastIndex: 9, lastTerm: 3 })),
    describeMessage(vote({ term: 4, lastIndex: 9, lastTerm: 3, force: true })),
    describeMessage(voteResponse({ term: 4, reject: true, commit: 8, commitTerm: 3 })),
    describeMessage(append({ term: 4, prevIndex: 9, prevTerm: 3, commit: 8 })),
    describeMessage(accepted({ term: 4, index: 9 })),
    describeMessage(accepted({ term: 4, index: 9, reject: true, hintIndex: 5, hintTerm: 2 })),
    describeMessage(heartbeat({ term: 4, commit: 8 })),
    describeMessage({ type: "heartbeatResponse", from: 2, to: 1, term: 4, context: 3 }),
    describeMessage({ type: "snapshot", from: 2, to: 1, term: 4, snapshot }),
    describeMessage({ type: "timeoutNow", from: 2, to: 1, term: 4 }),
    describeMessage({ type: "readIndex", from: 2, to: 1, term: 4, context: 7 }),
    describeMessage({ ...answer, index: 5, reject: false }),
    describeMessage({ ...answer, index: 0, reject: true }),
  ];
  assertEquals(lines, [
    "2->1 preVote term 4 log 3/9",
    "2->1 vote term 4 log 3/9 force",
    "2->1 voteResponse term 4 refused commit 3/8",
    "2->1 append term 4 after 3/9 commit 8 []",
    "2->1 appendResponse term 4 accepted 9",
    "2->1 appendResponse term 4 refused 9 hint 2/5",
    "2->1 heartbeat term 4 commit 8",
    "2->1 heartbeatResponse term 4 context 3",
    "2->1 snapshot term 4 2/9 voters 1,2 learners 3",
    "2->1 timeoutNow term 4",
    "2->1 readIndex term 4 context 7",
    "2->1 readIndexResponse term 4 context 7 index 5",
    "2->1 readIndexResponse term 4 context 7 refused",
  ]);
});

Deno.test("describeReady() lists the duties of a round in their order", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1], hardState: { commit: 1 } });
  node.raw.step(
    append({ term: 2, prevIndex: 1, prevTerm: 1, commit: 2, entries: entriesOfTerms([2], 2) }),
  );
  assertEquals(describeReady(node.raw.ready()).split("\n"), [
    "follower of term 2, leader 2",
    "save term 2 vote 0 commit 2",
    'save [2/2 "2/2"]',
    "then 1->2 appendResponse term 2 accepted 2",
    'apply [1/1 "1/1"]',
  ]);
});

Deno.test("describeStatus() has a line for the node and one for each member its leader knows", () => {
  const fresh = new TestNode({ voters: [1, 2] });
  assertEquals(
    describeStatus(fresh.status),
    "1 is a follower of term 0, leader 0, log empty after 0 persisted 0 commit 0 applied 0",
  );

  const config = { inflightMessagesMax: 1 };
  const leader = elect(new TestNode({ voters: [1, 2, 3, 4], log: [1, 1], config }));
  leader.raw.step(accepted({ from: 2, term: 2, index: 3 }));
  leader.raw.step(accepted({ from: 3, term: 2, index: 3 }));
  leader.propose("four");
  leader.drain();
  leader.compact(3);
  leader.raw.step(accepted({ from: 3, term: 2, index: 3, reject: true }));
  leader.raw.step(accepted({ from: 4, term: 2, index: 2, reject: true }));
  leader.drain();
  assertEquals(describeStatus(leader.status).split("\n"), [
    "1 is a leader of term 2, leader 1, log 4..4 persisted 4 commit 3 applied 3",
    "  1 replicate match 4 next 5",
    "  2 replicate match 3 next 5, 1 in flight (4 B), paused",
    "  3 replicate match 3 next 5, 1 in flight (4 B), paused",
    "  4 snapshot 3 match 0 next 4, paused",
  ]);
  leader.raw.reportUnreachable(2);
  assertEquals(
    describeStatus(leader.status).split("\n")[2],
    "  2 probe match 3 next 4",
  );
  for (let i = 0; i < 10; i++) leader.raw.tick();
  leader.drain();
  assertEquals(
    describeStatus(leader.status).split("\n")[2],
    "  2 probe match 3 next 4, paused, silent",
  );
});
