import { assertEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../runtime/invariant.ts";
import { createPrng } from "../runtime/prng.ts";
import { DEFAULT_RAFT_CONFIG } from "./config.ts";
import type { Message } from "./message.ts";
import { ProposalError, type ProposalErrorCode } from "./proposal_error.ts";
import { RawNode } from "./raw_node.ts";
import { accepted, append, heartbeat, only, vote, voteResponse } from "./testing/messages.ts";
import { elect, entriesOfTerms, payload, TestNode, textOf, voters } from "./testing/test_node.ts";
import type { Ready } from "./ready.ts";

function refusal(action: () => unknown): ProposalErrorCode {
  return assertThrows(action, ProposalError).code;
}

/** Takes a round without doing anything about it. */
function takeRound(node: TestNode): Ready {
  return node.raw.ready();
}

Deno.test("RawNode constructor refuses a configuration or a store that cannot be", () => {
  const good = {
    config: { ...DEFAULT_RAFT_CONFIG, id: 1 },
    prng: createPrng(1),
    hardState: { term: 2, vote: 0, commit: 1 },
    confState: voters(1, 2, 3),
    logStart: { index: 0, term: 0 },
    entries: entriesOfTerms([1, 2]),
    applied: 0,
  };
  assertEquals(new RawNode(good).status().commit, 1);
  const bad: [Partial<typeof good>, typeof InvariantError | typeof RangeError][] = [
    [{ config: { ...good.config, electionTicks: 0 } }, RangeError],
    [{ config: { ...good.config, heartbeatTicks: 10 } }, RangeError],
    [{ hardState: { term: 2, vote: 0, commit: 3 } }, InvariantError],
    [{ hardState: { term: 1, vote: 0, commit: 0 } }, InvariantError],
    [{ entries: entriesOfTerms([1, 1], 2) }, InvariantError],
    [{ entries: entriesOfTerms([2, 1]) }, InvariantError],
    [{ applied: 3 }, InvariantError],
    [{ logStart: { index: 1, term: 1 }, entries: [] }, InvariantError],
    [{ confState: voters(1, 1) }, InvariantError],
    [{ confState: voters(0) }, InvariantError],
  ];
  for (const [change, error] of bad) {
    assertThrows(() => new RawNode({ ...good, ...change }), error);
  }
});

Deno.test("RawNode.hasReady() is false for a node that just started", () => {
  assertEquals(new TestNode({ voters: [1, 2, 3], log: [1, 1] }).raw.hasReady(), false);
});

Deno.test("RawNode.hasReady() becomes false once a round is taken", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3] }));
  node.propose("x");
  assertEquals(node.raw.hasReady(), true);
  takeRound(node);
  assertEquals(node.raw.hasReady(), false);
});

Deno.test("RawNode.ready() gives each round lists of its own", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  const empty = takeRound(node);
  node.raw.campaign();
  assertEquals(takeRound(node).messages.length, 2);
  assertEquals(empty.messages.length, 0);
});

Deno.test("RawNode sends no vote, and asks for none, before its term is on disk", () => {
  const node = new TestNode({ voters: [1, 2, 3], config: { preVote: false } });
  node.raw.campaign();

  const round = takeRound(node);

  assertEquals(round.messages, []);
  assertEquals(round.hardState, { term: 1, vote: 1, commit: 0 });
  assertEquals(only(round.messagesAfterPersist, "vote").map(({ to }) => to), [2, 3]);
  assertEquals(round.messagesAfterPersist.length, 2, "what it owes itself stays inside");
});

Deno.test("RawNode counts its own vote only once that is on disk", () => {
  const node = new TestNode({ voters: [1], config: { preVote: false } });
  node.raw.campaign();
  const round = takeRound(node);
  assertEquals(node.status.role, "candidate");

  node.raw.persisted(round);

  assertEquals(node.status.role, "leader");
});

Deno.test("RawNode counts its own copy of an entry only once that is on disk", () => {
  const node = elect(new TestNode({ voters: [1, 2] }));
  node.raw.step(accepted({ term: node.status.term, index: 1 }));
  node.drain();
  const { index, term } = node.propose("x");
  const round = takeRound(node);
  assertEquals(only(round.messages, "append").length, 1, "peers get it meanwhile");

  node.raw.step(accepted({ term, index }));
  assertEquals(node.status.commit, index - 1, "one durable copy of two");

  node.disk.save(round, []);
  node.raw.persisted(round);
  assertEquals(node.status.commit, index);
});

Deno.test("RawNode commits without its own copy when enough others have theirs", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3] }));
  const { index, term } = node.propose("x");
  const round = takeRound(node);

  node.raw.step(accepted({ from: 2, term, index }));
  node.raw.step(accepted({ from: 3, term, index }));

  assertEquals(node.status.commit, index);
  const meanwhile = takeRound(node);
  assertEquals(meanwhile.committedEntries.map(textOf), [""], "only what is on disk is handed out");
  node.raw.persisted(round);
  assertEquals(takeRound(node).committedEntries.map(textOf), ["x"]);
});

Deno.test("RawNode.persisted() of an earlier leadership does not count for a later one", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3] }));
  node.propose("old");
  const late = takeRound(node);
  node.raw.step(heartbeat({ from: 3, term: 5 }));
  node.raw.step(append({
    ...{ from: 3, term: 5, prevIndex: 1, prevTerm: 1 },
    entries: entriesOfTerms([5], 2),
  }));
  const replaced = takeRound(node);

  node.raw.persisted(late);
  assertEquals(node.status.persistedIndex, 1, "the saved entry is not the one in the log");

  node.raw.persisted(replaced);
  assertEquals(node.status.persistedIndex, 2);
});

Deno.test("RawNode.persisted() refuses rounds out of order", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3] }));
  node.propose("x");
  takeRound(node);
  node.propose("y");
  const second = takeRound(node);
  assertThrows(() => node.raw.persisted(second), InvariantError);
});

Deno.test("RawNode.persisted() may be left out for a round that promises nothing", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3] }));
  node.raw.tick();
  const heartbeats = takeRound(node);
  assertEquals(heartbeats.messages.length, 2);
  node.propose("x");
  const round = takeRound(node);
  node.raw.persisted(round);
  node.raw.persisted(heartbeats);
  assertEquals(node.status.persistedIndex, 2);
});

Deno.test("RawNode lets no message with a new term leave before the term is on disk", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  node.raw.step(heartbeat({ term: 7 }));
  const round = takeRound(node);
  assertEquals(round.hardState?.term, 7);
  assertEquals(round.messages, []);
  assertEquals(only(round.messagesAfterPersist, "heartbeatResponse").length, 1);

  node.raw.step(heartbeat({ term: 7 }));
  assertEquals(takeRound(node).messages, [], "still not on disk");
  node.raw.persisted(round);
  node.raw.step(heartbeat({ term: 7 }));
  assertEquals(takeRound(node).messages.length, 1);
});

Deno.test("Ready.hardState is absent when only the commit index has moved", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 1] });
  node.raw.step(heartbeat({ term: 1, commit: 2 }));
  const round = takeRound(node);
  assertEquals(round.hardState, undefined);
  assertEquals(round.committedEntries.length, 2);
});

Deno.test("Ready.hardState takes the commit index along when entries are written", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 1] });
  node.raw.step(append({
    ...{ term: 1, prevIndex: 2, prevTerm: 1, commit: 2 },
    entries: entriesOfTerms([1], 3),
  }));
  assertEquals(takeRound(node).hardState, { term: 1, vote: 0, commit: 2 });
});

Deno.test("Ready.softState is present exactly when role, leader or term have changed", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  node.raw.step(heartbeat({ term: 1 }));
  assertEquals(takeRound(node).softState, { role: "follower", leader: 2, term: 1 });
  node.raw.step(heartbeat({ term: 1 }));
  assertEquals(takeRound(node).softState, undefined);
});

Deno.test("RawNode.propose() is refused without a trace by a node that does not lead", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  assertEquals(refusal(() => node.propose("x")), "notLeader");
  node.raw.campaign();
  node.drain();
  assertEquals(refusal(() => node.propose("x")), "notLeader");
  assertEquals(node.status.lastIndex, 0);
});

Deno.test("RawNode.propose() says where the entry stands and replicates all of a turn in one message", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3] }));
  const { term } = node.status;
  node.raw.step(accepted({ term, index: 1 }));
  node.drain();
  assertEquals(["a", "b", "c"].map((text) => node.propose(text)), [
    { index: 2, term },
    { index: 3, term },
    { index: 4, term },
  ]);
  const [message, ...more] = only(node.drain(), "append");
  assertEquals(message?.entries.map(textOf), ["a", "b", "c"]);
  assertEquals(more, []);
});

Deno.test("RawNode.propose() bounds the uncommitted bytes, but lets one large entry through", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3], config: { uncommittedBytesMax: 10 } }));
  const { term } = node.status;
  const { index } = node.raw.propose(new Uint8Array(100));
  assertEquals(refusal(() => node.raw.propose(new Uint8Array(1))), "overloaded");
  assertEquals(node.status.lastIndex, index, "a refused proposal changes nothing");
  node.drain();

  node.raw.step(accepted({ term, index }));

  node.raw.propose(new Uint8Array(6));
  node.raw.propose(new Uint8Array(4));
  assertEquals(refusal(() => node.raw.propose(new Uint8Array(1))), "overloaded");
});

Deno.test("RawNode counts inherited entries as uncommitted bytes when it becomes leader", () => {
  const node = elect(
    new TestNode({ voters: [1, 2, 3], log: [1, 1, 1], config: { uncommittedBytesMax: 12 } }),
  );
  // Three entries of three bytes each are in the log, none known to be committed.
  assertEquals(refusal(() => node.raw.propose(new Uint8Array(4))), "overloaded");
  node.raw.propose(new Uint8Array(3));
});

Deno.test("RawNode hands out committed entries by pages until they are applied", () => {
  const node = new TestNode({
    voters: [1, 2, 3],
    log: [1, 1, 1, 1],
    config: { applyBytesMax: 6 },
  });
  node.raw.step(heartbeat({ term: 1, commit: 4 }));
  assertEquals(takeRound(node).committedEntries.map((e) => e.index), [1, 2]);
  assertEquals(node.raw.hasReady(), false);
  node.raw.applied(2);
  assertEquals(takeRound(node).committedEntries.map((e) => e.index), [3, 4]);
});

Deno.test("RawNode.compact() and the log accessors agree", () => {
  const node = new TestNode({ voters: [1], log: [1, 1, 1], hardState: { commit: 3 } });
  node.drain();
  assertEquals(node.raw.logBytes, 9);
  const index = node.raw.compactionIndex({ applied: 3, entriesMax: 1, bytesMax: 100 });
  assertEquals(index, 2);
  node.raw.compact(index);
  assertEquals(node.raw.logBytes, 3);
  assertEquals([1, 2, 3, 4].map((i) => node.raw.entryTerm(i)), [undefined, 1, 1, undefined]);
  assertEquals([node.status.firstIndex, node.status.lastIndex], [3, 3]);
});

Deno.test("RawNode.step() drops what no correct node sends", () => {
  const nonsense: Message[] = [
    heartbeat({ to: 2 }),
    heartbeat({ from: 1 }),
    heartbeat({ from: 0 }),
    heartbeat({ from: -1 }),
    heartbeat({ term: 1.5 }),
    heartbeat({ term: NaN }),
    heartbeat({ commit: -1 }),
    vote({ lastTerm: 3, term: 3 }),
    append({ term: 3, prevIndex: 0, entries: entriesOfTerms([1], 2) }),
    append({ term: 3, prevIndex: 0, entries: entriesOfTerms([2, 1]) }),
    append({ term: 3, prevIndex: 0, entries: entriesOfTerms([4]) }),
    append({ term: 3, prevIndex: -1 }),
    accepted({ index: -1 }),
    {
      ...{ type: "snapshot", from: 2, to: 1, term: 3 },
      snapshot: { index: 5, term: 2, id: 0, confState: voters(0) },
    },
  ];
  for (const message of nonsense) {
    const node = new TestNode({ voters: [1, 2, 3] });
    node.raw.step(message);
    assertEquals(node.raw.hasReady(), false, JSON.stringify(message));
  }
});

Deno.test("RawNode.step() adopts a term as far ahead as after a long absence, and none further ahead", () => {
  for (const [ahead, reaches] of [[2 ** 26, true], [2 ** 26 + 1, false]] as const) {
    const node = elect(new TestNode({ voters: [1, 2, 3] }));
    const before = node.status.term;
    node.raw.step({ type: "heartbeatResponse", from: 2, to: 1, term: before + ahead, context: 0 });
    assertEquals(node.status.term, reaches ? before + ahead : before);
  }
});

Deno.test("RawNode of a leader ignores answers from strangers and impossible ones", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3] }));
  const { term } = node.status;
  const before = node.status;
  node.raw.step(accepted({ from: 9, term, index: 1 }));
  node.raw.step(accepted({ from: 2, term, index: 1000 }));
  node.raw.step(accepted({ from: 2, term, index: 1000, reject: true, hintIndex: 99, hintTerm: 9 }));
  node.raw.step(voteResponse({ from: 9, term }));
  node.raw.step(heartbeat({ from: 9, term }));
  node.raw.step(append({ from: 9, term, entries: entriesOfTerms([term]) }));
  assertEquals(node.status.commit, before.commit);
  assertEquals(node.status.role, "leader");
  assertEquals(node.status.lastIndex, before.lastIndex);
});

Deno.test("RawNode restarted from disk keeps its vote and its log", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  node.raw.step(vote({ from: 2, term: 4 }));
  node.raw.step(append({ from: 2, term: 4, entries: entriesOfTerms([4, 4]), commit: 1 }));
  node.drain();

  node.restart();

  const { role, term, leader, commit, applied, lastIndex } = node.status;
  assertEquals({ role, term, leader }, { role: "follower", term: 4, leader: 0 });
  assertEquals({ commit, applied, lastIndex }, { commit: 1, applied: 1, lastIndex: 2 });
  node.raw.step(vote({ from: 3, term: 4, lastIndex: 9, lastTerm: 3 }));
  assertEquals(only(node.drain(), "voteResponse").map((m) => m.reject), [true]);
});

Deno.test("RawNode does not count payload() twice when an entry is repeated", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  const entry = { index: 1, term: 1, kind: "normal" as const, data: payload("abc") };
  for (let i = 0; i < 3; i++) node.raw.step(append({ term: 1, entries: [entry] }));
  node.drain();
  assertEquals(node.raw.logBytes, 3);
});
