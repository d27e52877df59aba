/** Changing who belongs to the group (Raft paper section 6, thesis chapter 4). */
import { assertEquals, assertThrows } from "@std/assert";
import { ProposalError } from "../proposal_error.ts";
import { Disk } from "../testing/disk.ts";
import { TestNetwork } from "../testing/test_network.ts";
import { TestNode, voters } from "../testing/test_node.ts";

/** A group of three under node 1, with node 4 started and in nobody's configuration. */
function groupWithNewcomer(): TestNetwork {
  const network = new TestNetwork({ size: 3 });
  network.addNode(4);
  network.elect(1);
  network.tick();
  return network;
}

Deno.test("a learner is caught up and does not count", () => {
  const network = groupWithNewcomer();
  network.propose(1, "a");
  network.node(1).proposeChange({ type: "addLearner", id: 4 });
  network.settle();
  network.tick(2);
  assertEquals(network.node(4).appliedTexts, ["a"]);
  assertEquals(network.node(4).raw.confState.learners, [4]);
  network.isolate(2, 3);
  network.propose(1, "b");
  network.tick(2);
  assertEquals(network.node(4).appliedTexts, ["a"], "a learner's copy commits nothing");
});

Deno.test("a learner that is cut off does not campaign, not even if it is told to", () => {
  const network = groupWithNewcomer();
  network.node(1).proposeChange({ type: "addLearner", id: 4 });
  network.settle();
  network.isolate(4);
  network.tick(100);
  network.node(4).raw.campaign();
  assertEquals(network.node(4).status.role, "follower");
  assertEquals(network.node(4).status.term, 1);
});

Deno.test("a member becomes a voter through a joint configuration that the leader ends", () => {
  const network = groupWithNewcomer();
  network.node(1).proposeChange({ type: "addLearner", id: 4 });
  network.settle();
  network.node(1).proposeChange({ type: "addVoter", id: 4 });
  network.settle();
  network.tick(3);
  for (const node of network.nodes.values()) {
    assertEquals(node.raw.confState, voters(1, 2, 3, 4), `node ${node.id}`);
  }
  network.isolate(3);
  network.propose(1, "by three of four");
  network.tick(2);
  assertEquals(network.node(4).appliedTexts, ["by three of four"]);
});

Deno.test("while a joint configuration is in force both majorities must agree", () => {
  const network = groupWithNewcomer();
  network.addNode(5);
  // Whoever ends the joint configuration must not get through.
  network.node(1).proposeChange(
    { type: "remove", id: 2 },
    { type: "remove", id: 3 },
    { type: "addVoter", id: 4 },
    { type: "addVoter", id: 5 },
  );
  network.loses = ({ to, type }) => type === "append" && (to === 4 || to === 5);
  network.settle();
  network.propose(1, "old majority only");
  network.tick(3);
  assertEquals(network.node(1).raw.confState.votersOutgoing, [1, 2, 3]);
  assertEquals(network.node(2).appliedTexts, []);
  network.loses = () => false;
  network.tick(5);
  assertEquals(network.node(1).raw.confState, voters(1, 4, 5));
  assertEquals(network.node(4).appliedTexts, ["old majority only"]);
});

Deno.test("a leader that is removed leads until that is committed, then steps down", () => {
  const network = groupWithNewcomer();
  network.node(1).proposeChange({ type: "remove", id: 1 });
  network.settle();
  assertEquals(network.node(1).raw.confState, voters(2, 3));
  const leader = network.node(2);
  assertEquals(leader.status.role, "leader", "it has handed over at once");
  network.tick(10);
  assertEquals(network.node(1).status.role, "follower");
  network.propose(leader.id, "without it");
  network.tick(30);
  assertEquals(network.node(2).appliedTexts, ["without it"]);
  assertEquals(network.node(1).status.role, "follower", "it never campaigns again");
  assertEquals(network.leaders().map(({ id }) => id), [leader.id]);
});

Deno.test("a second change is refused until the first is complete", () => {
  const network = groupWithNewcomer();
  const leader = network.node(1);
  leader.proposeChange({ type: "addLearner", id: 4 });
  const again = () => leader.proposeChange({ type: "addLearner", id: 5 });
  assertEquals(assertThrows(again, ProposalError).code, "changing");
  network.settle();
  again();
});

Deno.test("a new leader changes nobody before it has committed in its term", () => {
  const network = new TestNetwork({ size: 3 });
  network.loses = ({ type }) => type === "appendResponse";
  network.node(1).raw.campaign();
  network.settle();
  const change = () => network.node(1).proposeChange({ type: "remove", id: 3 });
  assertEquals(network.node(1).status.role, "leader");
  assertEquals(assertThrows(change, ProposalError).code, "changing");
  network.heal();
  network.tick(3);
  change();
});

Deno.test("a change that makes no sense is refused and changes nothing", () => {
  const network = new TestNetwork({ size: 1 });
  const leader = network.elect(1);
  const { lastIndex } = leader.status;
  const change = () => leader.proposeChange({ type: "remove", id: 1 });
  assertEquals(assertThrows(change, ProposalError).code, "invalidChange");
  assertEquals(leader.status.lastIndex, lastIndex);
});

Deno.test("a new leader ends the joint configuration that the old one left behind", () => {
  const network = groupWithNewcomer();
  network.node(1).proposeChange({ type: "addVoter", id: 4 });
  network.loses = ({ from, type }) => from === 1 && type === "append";
  network.settle();
  network.loses = () => false;
  network.node(1).raw.reportUnreachable(2);
  network.tick(1);
  network.isolate(1);
  const leader = network.awaitLeader([2, 3, 4]);
  network.tick(5);
  assertEquals(leader.raw.confState, voters(1, 2, 3, 4));
});

Deno.test("a node that knows of a committed change does not campaign before it is in force", () => {
  const network = groupWithNewcomer();
  const follower = network.node(2);
  network.node(1).proposeChange({ type: "remove", id: 3 });
  network.settle();
  network.tick(2);
  // As after a crash: the change is in the log and committed, and not applied again yet.
  const { disk } = follower;
  disk.applied.length = 1;
  disk.hardState = { ...disk.hardState, commit: disk.lastIndex };
  follower.restart();
  follower.raw.campaign();
  assertEquals(follower.status.role, "follower");
  network.settle();
  follower.raw.campaign();
  assertEquals(follower.status.role, "preCandidate");
});

Deno.test("a snapshot brings the members of its index", () => {
  const network = groupWithNewcomer();
  network.isolate(3);
  network.node(1).proposeChange({ type: "addLearner", id: 4 });
  network.settle();
  network.propose(1, "a", "b");
  network.tick(2);
  network.node(1).compact(network.node(1).status.applied);
  network.heal();
  network.tick(5);
  assertEquals(network.node(3).raw.confState.learners, [4]);
  assertEquals(network.node(3).appliedTexts, ["a", "b"]);
});

Deno.test("a removed leader that cannot hand over steps down after an election timeout", () => {
  const network = groupWithNewcomer();
  network.loses = ({ type }) => type === "timeoutNow";
  network.node(1).proposeChange({ type: "remove", id: 1 });
  network.settle();
  assertEquals(network.node(1).status.role, "leader");
  network.tick(10);
  assertEquals(network.node(1).status.role, "follower");
  network.awaitLeader([2, 3]);
});

Deno.test("voters tell a candidate what is committed, so that it does not wait for removed members", () => {
  const network = new TestNetwork({ size: 2 });
  network.addNode(3);
  network.elect(1);
  network.tick();
  network.loses = (m) => m.type === "appendResponse" && m.from === 2 && m.index >= 3;
  network.node(1).proposeChange({ type: "remove", id: 1 }, { type: "addVoter", id: 3 });
  network.settle();
  // Entry 3 ends the change. Node 2 has one more entry, and does not hear that 3 is committed.
  network.loses = (m) =>
    m.type === "timeoutNow" || (m.type === "heartbeat" && m.to === 2) ||
    (m.type === "append" && (m.to === 3 ? m.entries.length > 0 : m.commit >= 3));
  network.propose(1, "x");
  network.tick();
  assertEquals(network.node(2).raw.confState.votersOutgoing, [1, 2]);
  assertEquals(network.node(3).raw.confState, voters(2, 3));
  network.loses = () => false;
  network.isolate(1);
  const leader = network.awaitLeader([2, 3]);
  assertEquals(leader.raw.confState, voters(2, 3));
});

Deno.test("a node that was removed and does not know that it is back still votes", () => {
  const network = new TestNetwork({ size: 2 });
  network.elect(1);
  network.tick();
  network.node(1).proposeChange({ type: "addLearner", id: 2 });
  network.settle();
  network.tick(2);
  // The entry reaches node 2, the news that it is committed does not.
  network.node(1).proposeChange({ type: "addVoter", id: 2 });
  network.loses = ({ from, type }) => from === 1 && type === "append";
  network.node(1).drain();
  network.loses = () => false;
  network.node(1).restart();
  network.tick(40);
  assertEquals(network.leaders().length, 1);
  assertEquals(network.node(2).raw.confState, voters(1, 2));
});

Deno.test("a candidate that learns that it was removed gives up, whoever would vote for it", () => {
  const disk = new Disk({ ...voters(2, 3, 4), votersOutgoing: [1, 2, 3], autoLeave: true });
  const end = { index: 1, term: 1, kind: "confChange", data: new Uint8Array(0) } as const;
  disk.entries.push(end);
  disk.hardState = { term: 1, vote: 0, commit: 0 };
  const node = new TestNode({ id: 1, disk });
  node.raw.campaign();
  node.drain();
  const grant = (from: number) => {
    const news = { commit: 1, commitTerm: 1 };
    node.raw.step({ type: "preVoteResponse", from, to: 1, term: 2, reject: false, ...news });
    node.drain();
  };
  grant(3);
  assertEquals(node.raw.confState, voters(2, 3, 4), "the answer told that the change is complete");
  assertEquals(node.status.role, "follower");
  grant(4);
  assertEquals([node.status.role, node.status.term], ["follower", 1]);
});
