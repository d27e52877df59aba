/** Followers whose next entry is compacted: naming, installing and leaving snapshots. */
import { assertEquals } from "@std/assert";
import { DEFAULT_RAFT_CONFIG } from "../config.ts";
import type { Message } from "../message.ts";
import { accepted, append, only } from "../testing/messages.ts";
import { TestNetwork } from "../testing/test_network.ts";
import { elect, entriesOfTerms, TestNode, voters } from "../testing/test_node.ts";

/** A leader with the log compacted to 5, told by node 2 that it has nothing. */
function leaderOfEmptyPeer(): { node: TestNode; sent: Message[] } {
  const node = elect(new TestNode({ voters: [1, 2, 3], log: [1, 1, 1, 1, 1] }));
  node.raw.step(accepted({ from: 3, term: 2, index: 6 }));
  node.drain();
  node.compact(5);
  node.raw.step(accepted({ term: 2, index: 5, reject: true }));
  return { node, sent: node.drain().filter(({ to }) => to === 2) };
}

function peerState(node: TestNode) {
  const progress = node.status.progress.get(2);
  return [progress?.state, progress?.match, progress?.next];
}

Deno.test("a leader names its applied state to a peer whose next entry is gone, and waits", () => {
  const { node, sent } = leaderOfEmptyPeer();
  const snapshot = { index: 6, term: 2, confState: voters(1, 2, 3), id: 0 };
  assertEquals(sent, [{ type: "snapshot", from: 1, to: 2, term: 2, snapshot }]);
  assertEquals(peerState(node), ["snapshot", 0, 7]);

  node.propose("x");
  assertEquals(node.drain().filter(({ to }) => to === 2), []);
});

Deno.test("a leader resumes when the snapshot is acknowledged, the named one, a later or a usable earlier", () => {
  for (const index of [5, 6, 7]) {
    const { node } = leaderOfEmptyPeer();
    node.propose("x");
    node.raw.step(accepted({ from: 3, term: 2, index: 7 }));
    node.drain();
    node.raw.step(accepted({ term: 2, index }));
    assertEquals(node.status.progress.get(2)?.state, "replicate", `acknowledged ${index}`);
    assertEquals(node.status.progress.get(2)?.match, index);
  }
});

Deno.test("a leader stays in snapshot when what is acknowledged is of no use", () => {
  const { node } = leaderOfEmptyPeer();
  node.raw.step(accepted({ term: 2, index: 3 }));
  assertEquals(peerState(node), ["snapshot", 3, 7]);
});

Deno.test("reportSnapshot() of a failure tries again once the peer answers a heartbeat", () => {
  const { node } = leaderOfEmptyPeer();
  node.raw.reportSnapshot(2, false);
  assertEquals(peerState(node), ["probe", 0, 1]);
  assertEquals(node.drain(), [], "not in a circle");
  node.raw.step({ type: "heartbeatResponse", from: 2, to: 1, term: 2, context: 0 });
  assertEquals(only(node.drain(), "snapshot").length, 1);
});

Deno.test("reportSnapshot() of a success probes behind the snapshot", () => {
  const { node } = leaderOfEmptyPeer();
  node.raw.reportSnapshot(2, true);
  assertEquals(peerState(node), ["probe", 0, 7]);
  node.raw.step(accepted({ term: 2, index: 6 }));
  assertEquals(peerState(node), ["replicate", 6, 7]);
});

Deno.test("a leader that missed the acknowledgement of a snapshot asks again", () => {
  const { node } = leaderOfEmptyPeer();
  node.raw.step({ type: "heartbeatResponse", from: 2, to: 1, term: 2, context: 0 });
  const [ping] = only(node.drain(), "append");
  assertEquals([ping?.to, ping?.prevIndex, ping?.entries.length], [2, 6, 0]);
  node.raw.step(accepted({ term: 2, index: 6, reject: true }));
  assertEquals(node.status.progress.get(2)?.state, "snapshot", "it is still fetching");
  node.raw.step(accepted({ term: 2, index: 6 }));
  assertEquals(node.status.progress.get(2)?.state, "replicate");
});

Deno.test("a leader names no snapshot to a peer that has fallen silent", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3], config: { inflightMessagesMax: 1 } }));
  const answer = (from: number, index: number) => node.raw.step(accepted({ from, term: 1, index }));
  answer(2, 1);
  for (let index = 2; index <= 30; index++) {
    node.propose("x");
    node.raw.tick();
    node.drain();
    answer(3, index);
    node.drain();
  }
  node.compact(30);
  node.raw.reportUnreachable(2);
  assertEquals(node.drain().filter(({ to }) => to === 2), []);

  node.raw.step({ type: "heartbeatResponse", from: 2, to: 1, term: 1, context: 0 });
  assertEquals(only(node.drain(), "snapshot").map(({ to }) => to), [2]);
});

Deno.test("a follower saves a snapshot before it answers, and applies it before it may campaign", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1] });
  const snapshot = { index: 9, term: 2, confState: voters(1, 2, 3, 4), id: 5 };
  node.raw.step({ type: "snapshot", from: 2, to: 1, term: 2, snapshot });

  const round = node.raw.ready();
  assertEquals([round.snapshot, round.entries], [snapshot, []]);
  assertEquals(round.hardState, { term: 2, vote: 0, commit: 9 });
  assertEquals(round.messages, []);
  assertEquals(round.messagesAfterPersist, [accepted({ from: 1, to: 2, term: 2, index: 9 })]);
  assertEquals(node.raw.confState, snapshot.confState);

  node.raw.persisted(round);
  node.raw.campaign();
  assertEquals(node.status.role, "follower");
  node.raw.applied(9);
  node.raw.campaign();
  assertEquals(node.status.role, "preCandidate");
});

Deno.test("a follower answers a snapshot that lies behind with its commit index", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 1, 1], hardState: { commit: 3 } });
  node.drain();
  const snapshot = { index: 2, term: 1, confState: voters(1, 2, 3), id: 0 };
  assertEquals(node.raw.wantsSnapshot(snapshot), false);
  node.raw.step({ type: "snapshot", from: 2, to: 1, term: 1, snapshot });
  assertEquals(node.drain(), [accepted({ from: 1, to: 2, term: 1, index: 3 })]);
  assertEquals(node.status.firstIndex, 1);
});

Deno.test("entries that follow a snapshot are saved behind it and handed out after it", () => {
  const node = new TestNode({ voters: [1, 2, 3] });
  const snapshot = { index: 3, term: 1, confState: voters(1, 2, 3), id: 0 };
  node.receive(
    { type: "snapshot", from: 2, to: 1, term: 1, snapshot },
    () => entriesOfTerms([1, 1, 1]),
  );
  const parts = { term: 1, prevIndex: 3, prevTerm: 1, commit: 4 };
  node.raw.step(append({ ...parts, entries: entriesOfTerms([1], 4) }));
  node.drain();
  assertEquals([node.disk.logStart.index, node.disk.lastIndex], [3, 4]);
  assertEquals(node.appliedTexts, ["1/1", "1/2", "1/3", "1/4"]);
});

Deno.test("a group catches a member up by snapshot after everybody else has compacted", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.isolate(3);
  network.propose(1, "a", "b", "c");
  network.tick(2);
  for (const id of [1, 2]) network.node(id).compact(network.node(id).status.applied);
  network.heal();
  network.tick(3);
  network.propose(1, "d");

  assertEquals(network.node(3).appliedTexts, ["a", "b", "c", "d"]);
  assertEquals(network.node(1).status.progress.get(3)?.state, "replicate");
});

Deno.test("a group survives the restart of all after compaction", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.propose(1, "a", "b");
  network.tick(2);
  for (const node of network.nodes.values()) {
    node.compact(node.status.applied);
    node.restart();
  }
  const leader = network.awaitLeader();
  network.propose(leader.id, "c");
  network.tick(2);
  for (const node of network.nodes.values()) assertEquals(node.appliedTexts, ["a", "b", "c"]);
});

Deno.test("catchUpIndexes() tells after which index a member needs entries that was sent a snapshot", () => {
  const { node } = leaderOfEmptyPeer();
  assertEquals(node.raw.catchUpIndexes(5), [6]);
  node.raw.step(accepted({ term: 2, index: 6 }));
  node.drain();
  assertEquals(node.raw.catchUpIndexes(7), [6], "it has the snapshot and not yet what is kept");
  assertEquals(node.raw.catchUpIndexes(6), []);
  assertEquals(node.raw.catchUpIndexes(7), [], "now it is as slow as any other");
});

Deno.test("catchUpIndexes() leaves out members that are only slow, and those not heard from", () => {
  const { node } = leaderOfEmptyPeer();
  const hearsOnlyFrom3 = () => {
    for (let tick = 0; tick < DEFAULT_RAFT_CONFIG.electionTicks; tick++) {
      node.raw.step({ type: "heartbeatResponse", from: 3, to: 1, term: 2, context: 0 });
      node.raw.tick();
      node.drain();
    }
  };
  hearsOnlyFrom3();
  assertEquals(node.raw.catchUpIndexes(5), [6], "silent for a moment");
  hearsOnlyFrom3();
  hearsOnlyFrom3();
  assertEquals(node.status.role, "leader");
  assertEquals(node.raw.catchUpIndexes(5), []);
  node.raw.step({ type: "heartbeatResponse", from: 2, to: 1, term: 2, context: 0 });
  assertEquals(node.raw.catchUpIndexes(5), [6], "it is back");
});
