/** Handing leadership over (thesis 3.10). */
import { assertEquals, assertThrows } from "@std/assert";
import { ProposalError } from "../proposal_error.ts";
import { accepted, heartbeat, only } from "../testing/messages.ts";
import { TestNetwork } from "../testing/test_network.ts";
import { elect, TestNode } from "../testing/test_node.ts";

Deno.test("transferLeader() to a member that is caught up makes it leader at once", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.propose(1, "a");
  network.tick();

  assertEquals(network.node(1).raw.transferLeader(2), true);
  network.settle();

  assertEquals(network.leaders().map(({ id }) => id), [2]);
  network.propose(2, "b");
  network.tick(2);
  for (const node of network.nodes.values()) assertEquals(node.appliedTexts, ["a", "b"]);
});

Deno.test("transferLeader() catches the target up first", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.isolate(3);
  network.propose(1, "a", "b");
  network.heal();
  network.node(1).raw.transferLeader(3);
  network.tick(3);
  assertEquals(network.leaders().map(({ id }) => id), [3]);
  assertEquals(network.node(3).appliedTexts, ["a", "b"]);
});

Deno.test("transferLeader() catches the target up by snapshot if need be", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.isolate(3);
  network.propose(1, "a", "b");
  network.node(1).compact(network.node(1).status.applied);
  network.heal();
  network.node(1).raw.transferLeader(3);
  network.tick(3);
  assertEquals(network.leaders().map(({ id }) => id), [3]);
});

Deno.test("transferLeader() repeats its word with the heartbeats, should it be lost", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.loses = ({ type }) => type === "timeoutNow";
  network.node(1).raw.transferLeader(2);
  network.settle();
  network.heal();

  network.tick();

  assertEquals(network.leaders().map(({ id }) => id), [2]);
});

Deno.test("propose() is refused during a transfer, which is given up after an election timeout", () => {
  const network = new TestNetwork({ size: 3, config: { electionTicks: 10 } });
  const leader = network.elect(1);
  network.isolate(3);
  leader.raw.transferLeader(3);
  network.tick(9);
  assertEquals(assertThrows(() => leader.propose("x"), ProposalError).code, "transferring");

  network.tick();

  network.propose(1, "x");
  assertEquals(leader.appliedTexts, ["x"]);
});

Deno.test("transferLeader() refuses itself, strangers, learners, and on a follower", () => {
  const confState = {
    ...{ voters: [1, 2], learners: [3] },
    ...{ votersOutgoing: [], learnersNext: [], autoLeave: false },
  };
  const node = new TestNode({ confState });
  assertEquals(node.raw.transferLeader(2), false);
  elect(node);
  for (const to of [1, 3, 9]) assertEquals(node.raw.transferLeader(to), false);
  node.propose("still possible");
});

Deno.test("transferLeader() to another member replaces the one under way", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.isolate(3);
  network.node(1).raw.transferLeader(3);
  network.settle();
  network.node(1).raw.transferLeader(2);
  network.settle();
  assertEquals(network.node(2).status.role, "leader");
});

Deno.test("a transfer overrides the protection of the leader, without a pre-vote", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  node.raw.step(heartbeat({ from: 2, term: 3 }));
  node.drain();
  node.raw.step({ type: "timeoutNow", from: 2, to: 1, term: 3 });
  const requests = only(node.drain(), "vote");
  assertEquals(requests.map(({ to, term, force }) => [to, term, force]), [
    [2, 4, true],
    [3, 4, true],
  ]);
});

Deno.test("timeoutNow of anybody but the present leader is ignored", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  node.raw.step(heartbeat({ from: 2, term: 3 }));
  node.drain();
  node.raw.step({ type: "timeoutNow", from: 3, to: 1, term: 3 });
  node.raw.step({ type: "timeoutNow", from: 2, to: 1, term: 2 });
  assertEquals(node.drain(), []);
  node.raw.step({ type: "timeoutNow", from: 3, to: 1, term: 8 });
  node.drain();
  assertEquals([node.status.role, node.status.term], ["follower", 8]);
});

Deno.test("a transfer ends with leadership", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3] }));
  node.raw.transferLeader(2);
  node.raw.step(heartbeat({ from: 3, term: 9 }));
  node.drain();
  elect(node);
  node.raw.step(accepted({ term: node.status.term, index: node.status.lastIndex }));
  assertEquals(only(node.drain(), "timeoutNow"), []);
  node.propose("x");
});
