/** Linearizable reads: what must have happened before one is answered. */
import { assertEquals, assertThrows } from "@std/assert";
import type { RaftConfig } from "../config.ts";
import { ProposalError } from "../proposal_error.ts";
import { accepted, heartbeat, only } from "../testing/messages.ts";
import { TestNetwork } from "../testing/test_network.ts";
import { elect, TestNode } from "../testing/test_node.ts";
import { ForwardedReads, LeaderReads } from "./read_index.ts";

/** A leader of three with the first entry of its term committed. */
function readyLeader(config: Partial<RaftConfig> = {}): TestNode {
  const node = elect(new TestNode({ voters: [1, 2, 3], config }));
  node.raw.step(accepted({ term: node.status.term, index: 1 }));
  node.drain();
  return node;
}

function answerHeartbeat(node: TestNode, from: number, context: number): void {
  node.raw.step({ type: "heartbeatResponse", from, to: 1, term: node.status.term, context });
}

Deno.test("LeaderReads confirms a round together with all rounds before it", () => {
  const reads = new LeaderReads();
  for (const [context, index] of [[11, 5], [12, 5], [13, 8]] as const) {
    reads.add({ from: 1, context });
    reads.beginRound(index);
  }
  assertEquals([reads.size, reads.unconfirmedSequence], [3, 3]);
  assertEquals(
    reads.takeConfirmed(2).map(({ index, requests }) => [index, requests[0]?.context]),
    [[5, 11], [5, 12]],
  );
  assertEquals(reads.takeConfirmed(2), []);
  assertEquals(reads.clear(), [{ from: 1, context: 13 }]);
  assertEquals([reads.size, reads.unconfirmedSequence], [0, 0]);
});

Deno.test("LeaderReads.answer() takes no answer to a round that was never begun", () => {
  const reads = new LeaderReads();
  reads.add({ from: 1, context: 1 });
  reads.beginRound(1);
  reads.answer(2, 99);
  assertEquals(reads.answeredBy(2), 0);
  reads.answer(2, 1);
  reads.answer(2, 0);
  assertEquals(reads.answeredBy(2), 1);
});

Deno.test("ForwardedReads gives up what stays unanswered for too long", () => {
  const reads = new ForwardedReads(100);
  const first = reads.add(1, 2);
  reads.tick();
  reads.add(2, 2);
  assertEquals(reads.tick(), [1]);
  assertEquals(reads.take(first), undefined);
  assertEquals(reads.tick(), [2]);
  assertEquals(reads.size, 0);
});

Deno.test("readIndex() of a leader is answered once a majority confirms that it leads", () => {
  const node = readyLeader();
  node.raw.readIndex(77);
  const contexts = only(node.drain(), "heartbeat").map(({ to, context }) => [to, context]);
  assertEquals(contexts, [[2, 1], [3, 1]]);
  assertEquals(node.reads.size, 0);

  answerHeartbeat(node, 2, 1);
  node.drain();

  assertEquals([...node.reads], [[77, 1]]);
});

Deno.test("readIndex() puts all reads of a turn into one round", () => {
  const node = readyLeader();
  for (const context of [7, 8, 9]) node.raw.readIndex(context);
  assertEquals(only(node.drain(), "heartbeat").length, 2);
  answerHeartbeat(node, 3, 1);
  node.drain();
  assertEquals([...node.reads.keys()], [7, 8, 9]);
});

Deno.test("readIndex() is not confirmed by answers to earlier heartbeats", () => {
  const node = readyLeader();
  node.raw.readIndex(7);
  node.drain();
  node.raw.readIndex(8);
  node.drain();
  answerHeartbeat(node, 2, 0);
  answerHeartbeat(node, 2, 1);
  node.drain();
  assertEquals([...node.reads.keys()], [7]);
});

Deno.test("readIndex() waits for the first commit of the term", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3], log: [1, 1], hardState: { commit: 1 } }));
  node.raw.readIndex(7);
  assertEquals(only(node.drain(), "heartbeat"), []);
  answerHeartbeat(node, 2, 0);

  node.raw.step(accepted({ term: 2, index: 3 }));
  assertEquals(only(node.drain(), "heartbeat").length, 2);
  answerHeartbeat(node, 2, 1);
  node.drain();

  assertEquals([...node.reads], [[7, 3]]);
});

Deno.test("readIndex() is repeated with the heartbeats when its own are lost", () => {
  const node = readyLeader();
  node.raw.readIndex(7);
  node.drain();
  node.raw.tick();
  assertEquals(only(node.drain(), "heartbeat").map(({ context }) => context), [1, 1]);
});

Deno.test("readIndex() of a single node is answered at once", () => {
  const node = elect(new TestNode({ voters: [1] }));
  node.raw.readIndex(7);
  node.drain();
  assertEquals([...node.reads], [[7, 1]]);
});

Deno.test("readIndex() needs both majorities of a joint configuration, and no learner helps", () => {
  const confState = {
    ...{ voters: [1, 2], votersOutgoing: [1, 3], learners: [4] },
    ...{ learnersNext: [], autoLeave: false },
  };
  const network = new TestNetwork({ size: 3, confState });
  const node = network.elect(1);
  network.isolate(3);
  node.raw.readIndex(7);
  network.settle();
  assertEquals(node.reads.size, 0);
  network.heal();
  network.tick();
  assertEquals([...node.reads.keys()], [7]);
});

Deno.test("readIndex() is dropped when leadership is lost", () => {
  const node = readyLeader();
  node.raw.readIndex(7);
  node.drain();
  node.raw.readIndex(8);
  node.raw.step(heartbeat({ from: 3, term: 9 }));
  node.drain();
  assertEquals([...node.reads], [[7, "dropped"], [8, "dropped"]]);
});

Deno.test("readIndex() refuses more than it can hold, on a leader and on a follower", () => {
  const leader = readyLeader({ pendingReadsMax: 2 });
  const follower = new TestNode({ voters: [1, 2, 3], config: { pendingReadsMax: 2 } });
  follower.raw.step(heartbeat({ term: 1 }));
  for (const node of [leader, follower]) {
    node.raw.readIndex(1);
    node.raw.readIndex(2);
    assertEquals(assertThrows(() => node.raw.readIndex(3), ProposalError).code, "overloaded");
  }
});

Deno.test("readIndex() without a known leader is refused", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  assertEquals(assertThrows(() => node.raw.readIndex(1), ProposalError).code, "notLeader");
});

Deno.test("readIndex() of a follower is answered by its leader", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.propose(1, "a");
  network.node(3).raw.readIndex(7);
  network.settle();
  assertEquals([...network.node(3).reads], [[7, 2]]);
});

Deno.test("readIndex() of a follower is dropped when the leader changes or stays silent", () => {
  const node = new TestNode({ voters: [1, 2, 3], config: { electionTicks: 5 } });
  node.raw.step(heartbeat({ from: 2, term: 1 }));
  node.raw.readIndex(7);
  node.drain();
  node.raw.step(heartbeat({ from: 3, term: 2 }));
  node.drain();
  assertEquals([...node.reads], [[7, "dropped"]]);

  node.raw.readIndex(8);
  for (let i = 0; i < 5; i++) {
    node.raw.tick();
    node.raw.step(heartbeat({ from: 3, term: 2 }));
    node.drain();
  }
  assertEquals(node.reads.get(8), "dropped");
});

Deno.test("readIndex() of a follower is refused by a node that does not lead any more", () => {
  const network = new TestNetwork({ size: 3, config: { electionTicks: 5 } });
  network.elect(1);
  // Node 3 will not hear of the new leader.
  network.isolate(3);
  network.node(1).raw.transferLeader(2);
  network.settle();
  assertEquals(network.node(2).status.role, "leader");
  network.heal();
  network.node(3).raw.readIndex(7);
  network.settle();
  assertEquals([...network.node(3).reads], [[7, "dropped"]]);
});

Deno.test("readIndex() after a restart is not answered by what was meant for the life before", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  const ask = () => {
    node.raw.step(heartbeat({ term: 1 }));
    node.raw.readIndex(1);
    const [request] = only(node.drain(), "readIndex");
    return request?.context ?? 0;
  };
  const before = ask();
  node.restart();
  const after = ask();

  const answer = { type: "readIndexResponse", from: 2, to: 1, term: 1, index: 5 } as const;
  node.raw.step({ ...answer, context: before, reject: false });
  node.drain();
  assertEquals(node.reads.size, 0);
  node.raw.step({ ...answer, context: after, reject: false });
  node.drain();
  assertEquals([...node.reads], [[1, 5]]);
});
