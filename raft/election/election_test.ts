/** Pre-vote, quorum checks, and what a live leader is protected from. */
import { assert, assertEquals } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { append, heartbeat, only, vote, voteResponse } from "../testing/messages.ts";
import { TestNetwork } from "../testing/test_network.ts";
import { elect, TestNode } from "../testing/test_node.ts";

Deno.test("campaign() with pre-vote asks first and changes nothing that is saved", () => {
  const node = new TestNode({ voters: [1, 2, 3], hardState: { term: 4, vote: 3 } });

  node.raw.campaign();
  const requests = only(node.drain(), "preVote");

  assertEquals(requests.map(({ to, term }) => [to, term]), [[2, 5], [3, 5]]);
  assertEquals(node.status.role, "preCandidate");
  assertEquals(node.disk.hardState, { term: 4, vote: 3, commit: 0 });
});

Deno.test("step() of a granted pre-vote changes nothing at the voter, however often", () => {
  const node = new TestNode({ voters: [1, 2, 3], hardState: { term: 4, vote: 3 } });
  for (const from of [2, 3, 2]) {
    node.raw.step(vote({ type: "preVote", from, term: 9 }));
    const [answer] = only(node.drain(), "preVoteResponse");
    assertEquals(answer, voteResponse({ type: "preVoteResponse", from: 1, to: from, term: 9 }));
  }
  assertEquals(node.disk.hardState, { term: 4, vote: 3, commit: 0 });
  assertEquals(node.status.term, 4);
});

Deno.test("step() refuses a pre-vote to a log that lags behind, with its own term", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 2] });
  node.raw.step(vote({ type: "preVote", term: 9, lastIndex: 1, lastTerm: 1 }));
  const [answer] = only(node.drain(), "preVoteResponse");
  assertEquals([answer?.reject, answer?.term], [true, 2]);
});

Deno.test("step() ignores requests for votes while a leader is heard, unless it sent them", () => {
  for (const type of ["preVote", "vote"] as const) {
    const node = new TestNode({ voters: [1, 2, 3] });
    node.raw.step(heartbeat({ from: 2, term: 1 }));
    node.drain();

    node.raw.step(vote({ type, from: 3, term: 2 }));
    assertEquals(node.drain(), [], type);
    assertEquals(node.status.leader, 2);
  }
  const node = new TestNode({ voters: [1, 2, 3] });
  node.raw.step(heartbeat({ from: 2, term: 1 }));
  node.raw.step(vote({ from: 3, term: 2, force: true }));
  assertEquals(only(node.drain(), "voteResponse").map(({ reject }) => reject), [false]);
});

Deno.test("step() grants votes again once the leader was silent for an election timeout", () => {
  const node = new TestNode({ voters: [1, 2, 3], config: { electionTicks: 10 } });
  node.raw.step(heartbeat({ from: 2, term: 1 }));
  for (let i = 0; i < 9; i++) node.raw.tick();
  node.drain();
  node.raw.step(vote({ type: "preVote", from: 3, term: 2 }));
  assertEquals(node.drain(), []);
  node.raw.tick();
  node.raw.step(vote({ type: "preVote", from: 3, term: 2 }));
  assertEquals(only(node.drain(), "preVoteResponse").map(({ reject }) => reject), [false]);
});

Deno.test("step() of a granted vote starts the election timeout anew", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const prng = createPrng(seed);
    const node = new TestNode({ voters: [1, 2, 3], hardState: { term: 1 }, prng });
    for (let i = 0; i < 9; i++) node.raw.tick();
    node.raw.step(vote({ term: 1 }));
    for (let i = 0; i < 9; i++) node.raw.tick();
    assertEquals(node.status.role, "follower");
  }
});

Deno.test("step() counts the vote of each voter once", () => {
  const node = new TestNode({ voters: [1, 2, 3, 4, 5], config: { preVote: false } });
  node.raw.campaign();
  node.drain();

  for (let i = 0; i < 4; i++) node.raw.step(voteResponse({ from: 2, term: 1 }));

  assertEquals(node.status.role, "candidate");
});

Deno.test("a candidate cannot be sure of a term before its own vote is on disk", () => {
  const node = new TestNode({ voters: [1, 2, 3], config: { preVote: false } });
  node.raw.campaign();
  const round = node.raw.ready();
  for (const from of [2, 3]) node.raw.step(voteResponse({ from, term: 1 }));
  assertEquals(node.status.role, "candidate", "nobody was asked yet, these answers are forged");
  node.raw.persisted(round);
  node.raw.step(voteResponse({ from: 2, term: 1 }));
  assertEquals(node.status.role, "leader");
});

Deno.test("a pre-candidate counts grants only for the term it asked about", () => {
  const node = new TestNode({ voters: [1, 2, 3], hardState: { term: 4 } });
  node.raw.campaign();
  node.drain();
  for (const term of [6, 7]) {
    node.raw.step(voteResponse({ type: "preVoteResponse", from: 2, term }));
    assertEquals(node.status.role, "preCandidate");
  }
  node.raw.step(voteResponse({ type: "preVoteResponse", from: 2, term: 5 }));
  assertEquals(node.status.role, "candidate");
});

Deno.test("a pre-candidate that is refused with a higher term adopts it", () => {
  const node = new TestNode({ voters: [1, 2, 3], hardState: { term: 4 } });
  node.raw.campaign();
  node.drain();
  node.raw.step(voteResponse({ type: "preVoteResponse", from: 2, term: 9, reject: true }));
  assertEquals([node.status.role, node.status.term], ["follower", 9]);
});

Deno.test("step() answers a lower term with its own, so that nobody waits for ever", () => {
  const stale = [
    append({ term: 1 }),
    heartbeat({ term: 1 }),
    vote({ term: 1 }),
    vote({ type: "preVote", term: 1 }),
  ];
  for (const message of stale) {
    const node = new TestNode({ voters: [1, 2, 3], hardState: { term: 5 } });
    node.raw.step(message);
    const [answer] = node.drain();
    assertEquals([answer?.to, answer?.term], [2, 5], message.type);
    assertEquals(node.status.leader, 0);
  }
});

Deno.test("a node with a higher term and a shorter log neither deposes the leader nor stays outside for good", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.propose(1, "a");
  network.isolate(3);
  network.propose(1, "b");
  // As if it had campaigned without pre-vote before.
  network.node(3).disk.hardState = { ...network.node(3).disk.hardState, term: 7 };
  network.node(3).restart();
  network.heal();

  const leader = network.awaitLeader();
  network.propose(leader.id, "c");
  network.tick(3);

  assert(leader.id !== 3);
  assertEquals(network.node(3).appliedTexts, ["a", "b", "c"]);
});

Deno.test("a node that was cut off comes back without disturbing the leader", () => {
  const network = new TestNetwork({ size: 3 });
  const { term } = network.elect(1).status;
  network.isolate(3);
  network.tick(100);
  assertEquals(network.node(3).status.term, term, "its term has not grown");

  network.heal();
  network.tick(30);

  assertEquals(network.node(1).status.role, "leader");
  assertEquals(network.node(1).status.term, term);
});

Deno.test("a leader that hears no quorum steps down within an election timeout", () => {
  const network = new TestNetwork({ size: 5, config: { electionTicks: 10 } });
  network.elect(1);
  network.tick(10);
  network.isolate(1, 2);

  network.tick(20);

  assertEquals(network.node(1).status.role, "follower");
  const leader = network.awaitLeader([3, 4, 5]);
  network.propose(leader.id, "x");
  assertEquals(leader.appliedTexts, ["x"]);
});

Deno.test("a leader without quorum check leads on, but commits nothing", () => {
  const network = new TestNetwork({ size: 3, config: { checkQuorum: false } });
  network.elect(1);
  network.isolate(1);
  network.tick(50);
  network.propose(1, "x");
  assertEquals(network.node(1).status.role, "leader");
  assertEquals(network.node(1).appliedTexts, []);
});

Deno.test("an idle group keeps its leader and its term", () => {
  const network = new TestNetwork({ size: 3 });
  const leader = network.awaitLeader();
  const { term, lastIndex } = leader.status;
  network.tick(300);
  assertEquals(leader.status.role, "leader");
  assertEquals([leader.status.term, leader.status.lastIndex], [term, lastIndex]);
});

Deno.test("nodes with and without pre-vote elect a leader together", () => {
  const network = new TestNetwork({ size: 3 });
  const plain = new TestNode({ id: 2, voters: [1, 2, 3], config: { preVote: false } });
  network.nodes.set(2, plain);
  network.awaitLeader();
  network.isolate(2);
  network.tick(60);
  network.heal();
  const leader = network.awaitLeader();
  network.propose(leader.id, "x");
  network.tick(5);
  for (const node of network.nodes.values()) assertEquals(node.appliedTexts, ["x"]);
});

Deno.test("a one-way cut neither stops the group nor drives its terms up", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  // Node 1 still speaks to 2 and 3 but hears neither.
  network.cutOneWay(2, 1);
  network.cutOneWay(3, 1);
  network.tick(100);
  const leader = network.awaitLeader([2, 3]);
  network.propose(leader.id, "x");
  assertEquals(leader.appliedTexts, ["x"]);
  assert(leader.status.term < 20, `term ${leader.status.term}`);
});

Deno.test("a learner never campaigns, but answers requests for votes", () => {
  const confState = {
    ...{ voters: [2, 3], learners: [1] },
    ...{ votersOutgoing: [], learnersNext: [], autoLeave: false },
  };
  const node = new TestNode({ confState });
  node.raw.campaign();
  assertEquals(node.tickUntilSent(50), []);
  node.raw.step(vote({ from: 2, term: 1 }));
  assertEquals(only(node.drain(), "voteResponse").map(({ reject }) => reject), [false]);
});

Deno.test("a joint configuration elects and commits only with both majorities", () => {
  const confState = {
    ...{ voters: [1, 2, 3], votersOutgoing: [1, 4, 5] },
    ...{ learners: [], learnersNext: [], autoLeave: false },
  };
  const network = new TestNetwork({ size: 5, confState });
  network.isolate(4, 5);
  network.node(1).raw.campaign();
  network.settle();
  assertEquals(network.leaders(), []);

  network.heal();
  network.elect(1);
  network.isolate(2, 3);
  network.propose(1, "x");
  assertEquals(network.node(1).appliedTexts, []);
  network.heal();
  network.tick(3);
  assertEquals(network.node(1).appliedTexts, ["x"]);
});

Deno.test("becoming leader replaces nothing and begins with an empty entry of the term", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3], log: [1, 1] }));
  assertEquals(node.disk.entries.map(({ index, term, data }) => [index, term, data.length]), [
    [1, 1, 3],
    [2, 1, 3],
    [3, 2, 0],
  ]);
});
