/** What a follower does when it is told that nobody answers at its leader's address any more. */
import { assertEquals } from "@std/assert";
import { append, heartbeat, only, vote } from "../testing/messages.ts";
import { TestNetwork } from "../testing/test_network.ts";
import { TestNode } from "../testing/test_node.ts";

const ELECTION_TICKS = 10;

/** A follower of node 3 that is not first in turn, in a group of three. */
function followerOf3(config = {}): TestNode {
  const node = new TestNode({ id: 2, voters: [1, 2, 3], config });
  node.raw.step(heartbeat({ from: 3, to: 2, term: 1 }));
  node.drain();
  return node;
}

function tick(node: TestNode, times: number): void {
  for (let i = 0; i < times; i++) node.raw.tick();
}

/** Whether the node would vote for node 1 now. */
function votesFor1(node: TestNode): boolean {
  node.drain();
  node.raw.step(vote({ type: "preVote", from: 1, to: 2, term: 2 }));
  return only(node.drain(), "preVoteResponse").some(({ reject }) => !reject);
}

Deno.test("followers of a leader that is gone elect another in a fraction of the timeout, in turn", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const network = new TestNetwork({ size: 3, seed });
    const dead = network.awaitLeader();
    const { term } = dead.status;
    network.isolate(dead.id);
    network.nodes.delete(dead.id);
    for (const { raw } of network.nodes.values()) raw.reportGone(dead.id);
    network.tick(3);
    const first = network.nodes.keys().next().value;
    const leaders = [...network.nodes.values()].filter(({ status }) => status.role === "leader");
    assertEquals(leaders.map(({ id, status }) => [id, status.term]), [[first, term + 1]]);
  }
});

Deno.test("reportGone() has the next in turn campaign if the first does not", () => {
  const node = followerOf3();
  node.raw.reportGone(3);
  tick(node, 2 + 1 + 2);
  assertEquals(node.status.role, "follower");
  tick(node, 1);
  assertEquals(node.status.role, "preCandidate");
});

Deno.test("reportGone() lets a voter vote once the leader has missed a heartbeat", () => {
  const node = followerOf3();
  node.raw.reportGone(3);
  tick(node, 1);
  assertEquals(votesFor1(node), false);
  tick(node, 1);
  assertEquals(votesFor1(node), true);
});

Deno.test("reportGone() does nothing while the leader is heard all the same", () => {
  for (const word of [heartbeat, append]) {
    const node = followerOf3();
    for (let round = 0; round < 3 * ELECTION_TICKS; round++) {
      node.raw.reportGone(3);
      node.raw.step(word({ from: 3, to: 2, term: 1 }));
      tick(node, 1);
      assertEquals(votesFor1(node), false);
    }
    assertEquals(node.status, { ...node.status, role: "follower", leader: 3, term: 1 });
  }
});

Deno.test("reportGone() is taken back by a word of the leader", () => {
  const node = followerOf3();
  node.raw.reportGone(3);
  tick(node, 2);
  assertEquals(votesFor1(node), true);
  node.raw.step(heartbeat({ from: 3, to: 2, term: 1 }));
  tick(node, ELECTION_TICKS - 1);
  assertEquals(votesFor1(node), false);
  assertEquals(node.status.role, "follower");
});

Deno.test("reportGone() of somebody who does not lead does nothing", () => {
  const node = followerOf3();
  node.raw.reportGone(1);
  tick(node, ELECTION_TICKS - 1);
  assertEquals(votesFor1(node), false);
});

Deno.test("reportGone() cuts no lease short", () => {
  const node = followerOf3({ leaseMs: 500 });
  // The promise that a restart may have forgotten runs out first.
  for (let i = 0; i < 2 * ELECTION_TICKS; i++) {
    tick(node, 1);
    node.raw.step(heartbeat({ from: 3, to: 2, term: 1 }));
  }
  node.raw.reportGone(3);
  tick(node, ELECTION_TICKS - 1);
  assertEquals(votesFor1(node), false);
  // It may be the only one that has promised to wait, so that it must not campaign either.
  assertEquals(node.status.role, "follower");
});

Deno.test("a follower with more entries stands in for a candidate that nobody can elect", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const network = new TestNetwork({ size: 3, seed });
    network.elect(3);
    network.loses = ({ type, to }) => type === "append" && to === 1;
    network.propose(3, "a");
    network.isolate(3);
    network.nodes.delete(3);
    for (const { raw } of network.nodes.values()) raw.reportGone(3);
    network.tick(5);
    assertEquals(network.node(2).status.role, "leader", `seed ${seed}`);
  }
});

Deno.test("no follower stands in for a candidate while it protects its leader", () => {
  const node = new TestNode({ id: 2, voters: [1, 2, 3], log: [1] });
  node.raw.step(heartbeat({ from: 3, to: 2, term: 1 }));
  for (const term of [1, 2]) node.raw.step(vote({ type: "preVote", from: 1, to: 2, term }));
  node.raw.step(vote({ from: 1, to: 2, term: 1 }));
  tick(node, ELECTION_TICKS - 1);
  assertEquals(node.status.role, "follower");
});

Deno.test("a follower that was about to stand in waits a full timeout again once it hears a leader", () => {
  const node = new TestNode({ id: 2, voters: [1, 2, 3], log: [1] });
  node.raw.step(vote({ type: "preVote", from: 1, to: 2, term: 2 }));
  node.raw.step(heartbeat({ from: 3, to: 2, term: 1 }));
  tick(node, ELECTION_TICKS);
  assertEquals(node.status.role, "follower");
});
