import { assert, assertEquals } from "@std/assert";
import type { Message } from "../../raft/message.ts";
import { accepted, append, only } from "../../raft/testing/messages.ts";
import { TestNetwork } from "../../raft/testing/test_network.ts";
import { elect, entriesOfTerms, TestNode, voters } from "../../raft/testing/test_node.ts";
import type { LogIndex, Term } from "../../raft/types.ts";

function snapshotAt(index: LogIndex, term: Term): Message {
  const snapshot = { index, term, confState: voters(1, 2, 3), id: 7 };
  return { type: "snapshot", from: 2, to: 1, term: 5, snapshot };
}

Deno.test("E10: a snapshot removes a log suffix that does not match it", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 1, 2, 2, 2] });
  node.receive(snapshotAt(3, 4), () => entriesOfTerms([1, 1, 4]));
  const answers = only(node.drain(), "appendResponse");

  assertEquals([node.status.firstIndex, node.status.lastIndex], [4, 3]);
  assertEquals([node.disk.logStart, node.disk.entries], [{ index: 3, term: 4 }, []]);
  assertEquals(answers.map(({ index, reject }) => ({ index, reject })), [
    { index: 3, reject: false },
  ]);
});

Deno.test("E10: a snapshot that matches the log commits it and keeps what follows", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 1, 2, 2, 2] });
  assertEquals(node.raw.wantsSnapshot({ index: 3, term: 2, confState: voters(1), id: 0 }), false);
  node.receive(snapshotAt(3, 2), () => []);
  const answers = only(node.drain(), "appendResponse");

  assertEquals([node.status.firstIndex, node.status.lastIndex, node.status.commit], [1, 5, 3]);
  assertEquals(answers.map(({ index, reject }) => ({ index, reject })), [
    { index: 3, reject: false },
  ]);
});

for (const [size, needed] of [[1, 1], [2, 2], [3, 2], [4, 3], [5, 3], [6, 4]] as const) {
  Deno.test(`E11: a group of ${size} commits with ${needed} copies and not with fewer`, () => {
    const network = new TestNetwork({ size });
    network.elect(1);
    const connected = Array.from({ length: needed }, (_, i) => i + 1);
    network.isolate(...connected);
    network.propose(1, "enough");
    assertEquals(network.node(1).appliedTexts, ["enough"]);

    if (needed === 1) return;
    network.isolate(...connected.slice(0, -1));
    network.propose(1, "too few");
    assertEquals(network.node(1).appliedTexts, ["enough"]);
  });
}

Deno.test("E12: a follower commits no further than the message it got vouches for", () => {
  // Entries 2 and 3 are of a dead leader; the new one has committed others there.
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 2, 2] });

  node.raw.step(append({ term: 5, prevIndex: 1, prevTerm: 1, commit: 3 }));
  node.drain();

  assertEquals(node.status.commit, 1);
  assertEquals(node.appliedTexts, ["1/1"]);
});

Deno.test("E17: a follower whose log is compacted past the leader's idea of it is not stuck", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.propose(1, "a", "b", "c");
  network.tick(2);
  // The answers of node 3 are lost; it applies and compacts everything meanwhile.
  network.loses = (message) => message.from === 3;
  network.propose(1, "d");
  network.tick(2);
  const { applied } = network.node(3).status;
  network.node(3).compact(applied);
  network.node(1).raw.reportUnreachable(3);
  network.heal();
  network.trace = [];

  network.tick(3);
  network.propose(1, "e");

  assertEquals(network.node(3).appliedTexts, ["a", "b", "c", "d", "e"]);
  assert(network.trace.length < 40, `${network.trace.length} messages, no hot loop`);
});

Deno.test("E17: an append below the commit index is answered with the commit index", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 1, 1], hardState: { commit: 3 } });
  node.drain();
  node.compact(3);
  node.raw.step(append({ term: 1, prevIndex: 1, prevTerm: 1, entries: entriesOfTerms([1], 2) }));
  const [answer] = only(node.drain(), "appendResponse");
  assertEquals([answer?.index, answer?.reject], [3, false]);
});

Deno.test("E24: a minority leader steps down, and its bytes without quorum are bounded", () => {
  const network = new TestNetwork({ size: 3, config: { uncommittedBytesMax: 100 } });
  network.elect(1);
  network.isolate(1);
  let proposed = 0;
  try {
    for (; proposed < 1000; proposed++) network.propose(1, "0123456789");
  } catch {
    // The bound is what this test is about; its error is tested elsewhere.
  }
  assertEquals(proposed, 10);
  network.tick(20);
  assertEquals(network.node(1).status.role, "follower");
});

Deno.test("E24: a node that rejoins does not depose the leader", () => {
  const network = new TestNetwork({ size: 5 });
  network.elect(1);
  const { term } = network.node(1).status;
  for (let round = 0; round < 3; round++) {
    network.isolate(5);
    network.tick(60);
    network.heal();
    network.tick(20);
  }
  assertEquals([network.node(1).status.role, network.node(1).status.term], ["leader", term]);
});

Deno.test("E26: reordered and repeated answers never move match and next back", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3] }));
  const { term } = node.status;
  node.raw.step(accepted({ term, index: 1 }));
  node.drain();
  for (const text of ["a", "b", "c"]) {
    node.propose(text);
    node.drain();
  }
  const positions = () => {
    const progress = node.status.progress.get(2);
    return [progress?.match, progress?.next];
  };
  node.raw.step(accepted({ term, index: 4 }));
  assertEquals(positions(), [4, 5]);

  node.raw.step(accepted({ term, index: 2 }));
  node.raw.step(accepted({ term, index: 1, reject: true, hintIndex: 0 }));
  node.raw.step(accepted({ term, index: 4, reject: true, hintIndex: 1, hintTerm: 1 }));

  assertEquals(positions(), [4, 5]);
  assertEquals(node.status.progress.get(2)?.state, "replicate");
});

Deno.test("E27: a group of one elects itself and commits", () => {
  const node = new TestNode({ voters: [1] });
  for (let i = 0; i < 20; i++) {
    node.raw.tick();
    node.drain();
  }
  assertEquals(node.status.role, "leader");
  node.propose("x");
  node.drain();
  assertEquals(node.appliedTexts, ["x"]);
});

Deno.test("E33: no refusal drives next below 1 or makes the leader name snapshot 0", () => {
  const node = elect(new TestNode({ voters: [1, 2, 3], log: [1, 1] }));
  const { term } = node.status;
  for (let round = 0; round < 5; round++) {
    const next = node.status.progress.get(2)?.next ?? 0;
    assert(next >= 1, `next is ${next}`);
    node.raw.step(accepted({ term, index: next - 1, reject: true, hintIndex: 0, hintTerm: 0 }));
    const sent = node.drain();
    assertEquals(only(sent, "snapshot"), []);
    for (const { prevIndex } of only(sent, "append")) assert(prevIndex >= 0);
  }
  assertEquals(node.status.progress.get(2)?.next, 1);
});
