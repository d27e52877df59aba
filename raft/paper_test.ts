/**
 * The Raft paper (Ongaro and Ousterhout, "In Search of an Understandable
 * Consensus Algorithm", extended version), clause by clause. Each test sets a
 * node up, steps it, and checks what the cited section says about it. Pre-vote
 * and quorum checks are later additions and switched off here.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createPrng } from "../runtime/prng.ts";
import { accepted, append, heartbeat, only, vote, voteResponse } from "./testing/messages.ts";
import {
  acknowledgeAll,
  candidate,
  ELECTION_TICKS,
  group,
  paperNode,
  settledLeader,
  ticksToCampaign,
} from "./testing/paper_node.ts";
import { elect, entriesOfTerms, textOf } from "./testing/test_node.ts";
import type { NodeId, Role, Term } from "./types.ts";

// Section 5.1

for (const role of ["follower", "candidate", "leader"] as const) {
  Deno.test(`step() of a ${role} takes over a higher term and follows (section 5.1)`, () => {
    const node = paperNode({ hardState: { term: 1 } });
    if (role !== "follower") node.raw.campaign();
    if (role === "leader") elect(node);
    node.drain();
    assertEquals(node.status.role, role);

    node.raw.step(append({ term: 9 }));

    assertEquals(node.status.term, 9);
    assertEquals(node.status.role, "follower");
    assertEquals(node.status.leader, 2);
  });
}

Deno.test("step() refuses what comes from a stale term (section 5.1)", () => {
  const node = paperNode({ log: [1], hardState: { term: 2 } });

  node.raw.step(append({ term: 1, prevIndex: 1, prevTerm: 1, entries: entriesOfTerms([1], 2) }));
  const answers = only(node.drain(), "appendResponse");

  assertEquals(node.status.lastIndex, 1);
  assertEquals(node.status.leader, 0);
  assertEquals(answers.map(({ term, reject }) => ({ term, reject })), [{ term: 2, reject: true }]);
});

// Section 5.2

Deno.test("RawNode starts as a follower (section 5.2)", () => {
  assertEquals(paperNode().status.role, "follower");
});

Deno.test("tick() of a leader sends heartbeats to everybody else (section 5.2)", () => {
  const node = settledLeader({ config: { heartbeatTicks: 3 } });
  const { term } = node.status;

  for (let i = 0; i < 2; i++) node.raw.tick();
  assertEquals(node.drain(), []);
  node.raw.tick();

  assertEquals(
    only(node.drain(), "heartbeat").map(({ to, term }) => [to, term]),
    [[2, term], [3, term]],
  );
});

for (const role of ["follower", "candidate"] as const) {
  Deno.test(`tick() of a ${role} starts an election when it hears nothing (section 5.2)`, () => {
    const node = role === "follower" ? paperNode({ hardState: { term: 1 } }) : candidate();
    const { term } = node.status;

    const requests = only(node.tickUntilSent(2 * ELECTION_TICKS), "vote");

    assertEquals(node.status.term, term + 1);
    assertEquals(node.status.role, "candidate");
    assertEquals(node.disk.hardState.vote, 1, "it votes for itself");
    assertEquals(requests.map(({ to, term }) => [to, term]), [[2, term + 1], [3, term + 1]]);
  });
}

const ELECTIONS: { size: number; votes: [NodeId, boolean][]; role: Role }[] = [
  { size: 1, votes: [], role: "leader" },
  { size: 3, votes: [[2, true], [3, true]], role: "leader" },
  { size: 3, votes: [[2, true]], role: "leader" },
  { size: 4, votes: [[2, true], [3, true]], role: "leader" },
  { size: 5, votes: [[2, true], [3, true], [4, true], [5, true]], role: "leader" },
  { size: 5, votes: [[2, true], [3, true], [4, true]], role: "leader" },
  { size: 5, votes: [[2, true], [3, true]], role: "leader" },
  { size: 3, votes: [[2, false], [3, false]], role: "follower" },
  { size: 4, votes: [[2, false], [3, false]], role: "follower" },
  { size: 5, votes: [[2, false], [3, false], [4, false], [5, false]], role: "follower" },
  { size: 5, votes: [[2, true], [3, false], [4, false], [5, false]], role: "follower" },
  { size: 3, votes: [], role: "candidate" },
  { size: 4, votes: [[2, true]], role: "candidate" },
  { size: 5, votes: [[2, true]], role: "candidate" },
  { size: 5, votes: [[2, false], [3, false]], role: "candidate" },
  { size: 5, votes: [], role: "candidate" },
];

Deno.test("step() decides an election by a majority of votes (section 5.2)", () => {
  for (const { size, votes, role } of ELECTIONS) {
    const node = paperNode({ voters: group(size) });
    node.raw.campaign();
    node.drain();
    for (const [from, granted] of votes) {
      node.raw.step(voteResponse({ from, term: 1, reject: !granted }));
    }
    assertEquals(node.status.role, role, `${size} voters, answers ${JSON.stringify(votes)}`);
    assertEquals(node.status.term, 1);
  }
});

Deno.test("step() gives one vote in a term, first come first served (section 5.2)", () => {
  const cases: [already: NodeId, asks: NodeId, reject: boolean][] = [
    [0, 2, false],
    [0, 3, false],
    [2, 2, false],
    [3, 3, false],
    [2, 3, true],
    [3, 2, true],
  ];
  for (const [already, asks, reject] of cases) {
    const node = paperNode({ hardState: { term: 1, vote: already } });

    node.raw.step(vote({ from: asks, term: 1 }));

    assertEquals(only(node.drain(), "voteResponse").map((m) => [m.to, m.reject]), [[asks, reject]]);
  }
});

Deno.test("step() of a candidate yields to a leader of its term or a later one (section 5.2)", () => {
  for (const term of [1, 2]) {
    const node = candidate();

    node.raw.step(append({ from: 3, term }));

    assertEquals(node.status.role, "follower");
    assertEquals(node.status.leader, 3);
    assertEquals(node.status.term, term);
  }
});

for (const role of ["follower", "candidate"] as const) {
  Deno.test(`tick() draws the election timeout of a ${role} anew each time (section 5.2)`, () => {
    const seen = new Set<number>();
    const node = role === "follower" ? paperNode() : candidate();
    for (let round = 0; round < 50 * ELECTION_TICKS; round++) {
      if (role === "follower") node.raw.step(heartbeat({ term: node.status.term + 1 }));
      seen.add(ticksToCampaign(node));
    }

    const timeouts = [...seen].sort((a, b) => a - b);
    assertEquals(timeouts, Array.from({ length: ELECTION_TICKS }, (_, i) => ELECTION_TICKS + i));
  });

  Deno.test(`tick() seldom times two nodes out together, each a ${role} (section 5.2)`, () => {
    const size = 5;
    const rounds = 1000;
    const nodes = group(size).map((id) =>
      paperNode({ id, voters: group(size), prng: createPrng(id) })
    );
    if (role === "candidate") nodes.forEach((node) => node.raw.campaign());
    let collisions = 0;
    for (let round = 0; round < rounds; round++) {
      const timeouts = nodes.map((node) => {
        const from = node.id % size + 1;
        if (role === "follower") {
          node.raw.step(heartbeat({ from, to: node.id, term: node.status.term + 1 }));
        }
        return ticksToCampaign(node);
      });
      const earliest = Math.min(...timeouts);
      if (timeouts.filter((ticks) => ticks === earliest).length > 1) collisions++;
    }
    // Of 10 equally likely timeouts the least of 5 is shared in 23 % of the draws.
    assert(collisions < 0.3 * rounds, `${collisions} of ${rounds} elections are tied`);
  });
}

// Section 5.3

Deno.test("propose() appends and replicates to all in parallel (section 5.3)", () => {
  const node = settledLeader();
  const { lastIndex, term } = node.status;

  node.propose("some data");
  const sent = only(node.drain(), "append");

  assertEquals(node.status.lastIndex, lastIndex + 1);
  assertEquals(node.status.commit, lastIndex, "nothing is committed before it is replicated");
  assertEquals(sent.map(({ to }) => to), [2, 3]);
  for (const { prevIndex, prevTerm, commit, entries } of sent) {
    assertEquals({ prevIndex, prevTerm, commit }, {
      prevIndex: lastIndex,
      prevTerm: term,
      commit: lastIndex,
    });
    assertEquals(entries.map((e) => [e.index, e.term, textOf(e)]), [
      [lastIndex + 1, term, "some data"],
    ]);
  }
});

Deno.test("step() of a leader commits what is replicated, applies it and says so (section 5.3)", () => {
  const node = settledLeader();
  const { lastIndex } = node.status;
  node.propose("some data");

  const next = acknowledgeAll(node, node.drain());

  assertEquals(node.status.commit, lastIndex + 1);
  assertEquals(node.appliedTexts, ["some data"]);
  assertEquals(
    only(next, "append").map(({ to, commit, entries }) => [to, commit, entries.length]),
    [[2, lastIndex + 1, 0], [3, lastIndex + 1, 0]],
  );
});

Deno.test("step() of a leader commits once a majority has the entry (section 5.3)", () => {
  const cases: [size: number, acks: NodeId[], committed: boolean][] = [
    [1, [], true],
    [2, [], false],
    [2, [2], true],
    [3, [], false],
    [3, [2], true],
    [3, [2, 3], true],
    [4, [2], false],
    [4, [2, 3], true],
    [5, [], false],
    [5, [2], false],
    [5, [2, 3], true],
    [5, [2, 3, 4], true],
    [5, [2, 3, 4, 5], true],
  ];
  for (const [size, acks, committed] of cases) {
    const node = settledLeader({ voters: group(size) });
    const { index, term } = node.propose("some data");
    node.drain();

    for (const from of acks) node.raw.step(accepted({ from, term, index }));

    const what = `${size} voters, acknowledged by ${acks}`;
    assertEquals(node.status.commit, committed ? index : index - 1, what);
  }
});

Deno.test("step() of a leader commits all entries before a committed one (section 5.3)", () => {
  for (const log of [[], [2], [1, 2], [1]] as Term[][]) {
    const node = settledLeader({ log, hardState: { term: 2 } });
    node.propose("some data");

    acknowledgeAll(node, node.drain());

    assertEquals(node.appliedTexts, [...log.map((term, i) => `${term}/${i + 1}`), "some data"]);
  }
});

Deno.test("step() of a follower applies in log order what it learns is committed (section 5.3)", () => {
  const entries = entriesOfTerms([1, 1, 1]);
  for (const commit of [1, 2, 3]) {
    const node = paperNode({ hardState: { term: 1 } });

    node.raw.step(append({ entries, commit }));
    node.drain();

    assertEquals(node.status.commit, commit);
    assertEquals(node.appliedTexts, ["1/1", "1/2", "1/3"].slice(0, commit));
  }
});

Deno.test("step() of a follower refuses entries that do not continue its log (section 5.3)", () => {
  const cases = [
    { prevTerm: 0, prevIndex: 0, reject: false, index: 0, hintIndex: 0, hintTerm: 0 },
    { prevTerm: 1, prevIndex: 1, reject: false, index: 1, hintIndex: 0, hintTerm: 0 },
    { prevTerm: 2, prevIndex: 2, reject: false, index: 2, hintIndex: 0, hintTerm: 0 },
    { prevTerm: 1, prevIndex: 2, reject: true, index: 2, hintIndex: 1, hintTerm: 1 },
    { prevTerm: 3, prevIndex: 3, reject: true, index: 3, hintIndex: 2, hintTerm: 2 },
  ];
  for (const { prevTerm, prevIndex, ...expected } of cases) {
    const node = paperNode({ log: [1, 2], hardState: { term: 3 } });

    node.raw.step(append({ term: 3, prevTerm, prevIndex }));

    const [answer] = only(node.drain(), "appendResponse");
    assertEquals(answer, { type: "appendResponse", from: 1, to: 2, term: 3, ...expected });
  }
});

Deno.test("step() of a follower replaces conflicting entries and appends new ones (section 5.3)", () => {
  const cases: { prev: number; prevTerm: Term; entries: Term[]; log: Term[]; saved: number }[] = [
    { prev: 2, prevTerm: 2, entries: [3], log: [1, 2, 3], saved: 1 },
    { prev: 1, prevTerm: 1, entries: [3, 4], log: [1, 3, 4], saved: 2 },
    { prev: 0, prevTerm: 0, entries: [1], log: [1, 2], saved: 0 },
    { prev: 0, prevTerm: 0, entries: [3], log: [3], saved: 1 },
  ];
  for (const { prev, prevTerm, entries, log, saved } of cases) {
    const node = paperNode({ log: [1, 2], hardState: { term: 4 } });
    let savedCount = 0;
    node.onReady = (ready) => savedCount += ready.entries.length;

    node.raw.step(append({
      ...{ term: 4, prevIndex: prev, prevTerm },
      entries: entriesOfTerms(entries, prev + 1),
    }));
    node.drain();

    assertEquals(node.disk.entries.map((entry) => entry.term), log);
    assertEquals(savedCount, saved, "only what is new goes to disk");
  }
});

Deno.test("step() makes every log of figure 7 equal to the leader's (section 5.3)", () => {
  const leaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const followerLogs: Term[][] = [
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ];
  for (const log of followerLogs) {
    const leader = elect(paperNode({ log: leaderLog, hardState: { term: 8 } }));
    const follower = paperNode({ id: 2, log, hardState: { term: 8 } });
    for (let round = 0; round < 20; round++) {
      leader.raw.tick();
      for (const message of leader.drain()) if (message.to === 2) follower.raw.step(message);
      for (const message of follower.drain()) leader.raw.step(message);
    }

    assertEquals(follower.disk.entries, leader.disk.entries, `from ${log}`);
    assertEquals(follower.appliedTexts, leader.appliedTexts);
    assertNotEquals(leader.appliedTexts, []);
  }
});

// Section 5.4.1

Deno.test("campaign() tells the voters where the log ends (section 5.4.1)", () => {
  for (const log of [[1], [1, 2], [1, 1, 3]]) {
    const node = paperNode({ log });
    const { term } = node.status;

    node.raw.campaign();

    const expected = { from: 1, term: term + 1, lastIndex: log.length, lastTerm: term };
    assertEquals(only(node.drain(), "vote"), [
      vote({ ...expected, to: 2 }),
      vote({ ...expected, to: 3 }),
    ]);
  }
});

Deno.test("step() denies the vote to a log that lags behind its own (section 5.4.1)", () => {
  const cases: { log: Term[]; lastTerm: Term; lastIndex: number; reject: boolean }[] = [
    { log: [1], lastTerm: 1, lastIndex: 1, reject: false },
    { log: [1], lastTerm: 1, lastIndex: 2, reject: false },
    { log: [1, 1], lastTerm: 1, lastIndex: 1, reject: true },
    { log: [1], lastTerm: 2, lastIndex: 1, reject: false },
    { log: [1], lastTerm: 2, lastIndex: 2, reject: false },
    { log: [1, 1], lastTerm: 2, lastIndex: 1, reject: false },
    { log: [2], lastTerm: 1, lastIndex: 1, reject: true },
    { log: [2], lastTerm: 1, lastIndex: 2, reject: true },
    { log: [1, 2], lastTerm: 1, lastIndex: 1, reject: true },
  ];
  for (const { log, lastTerm, lastIndex, reject } of cases) {
    const node = paperNode({ log });

    node.raw.step(vote({ term: 3, lastTerm, lastIndex }));

    const [answer] = only(node.drain(), "voteResponse");
    assertEquals(answer?.reject, reject, `log ${log}, candidate ${lastTerm}/${lastIndex}`);
  }
});

// Section 5.4.2

Deno.test("step() of a leader commits by counting only entries of its own term (section 5.4.2)", () => {
  const cases: [acknowledged: number, commit: number][] = [[1, 0], [2, 0], [3, 3]];
  for (const [index, commit] of cases) {
    const node = elect(paperNode({ log: [1, 2], hardState: { term: 2 } }));
    assertEquals(node.status.lastIndex, 3, "its own first entry");

    node.raw.step(accepted({ term: 3, index }));

    assertEquals(node.status.commit, commit, `acknowledged up to ${index}`);
  }
});
