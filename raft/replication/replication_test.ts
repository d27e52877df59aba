/** How a leader paces what it sends, and how it finds its way back after losses. */
import { assert, assertEquals } from "@std/assert";
import type { RaftConfig } from "../config.ts";
import { accepted, append, only } from "../testing/messages.ts";
import { TestNetwork } from "../testing/test_network.ts";
import { elect, entriesOfTerms, TestNode, textOf } from "../testing/test_node.ts";
import type { Term } from "../types.ts";

/** A leader of three whose node 2 is known to match, and node 3 is silent. */
function leaderWithPeer(config: Partial<RaftConfig> = {}): TestNode {
  const node = elect(new TestNode({ voters: [1, 2, 3], config }));
  node.raw.step(accepted({ term: node.status.term, index: 1 }));
  node.drain();
  assertEquals(node.status.progress.get(2)?.state, "replicate");
  return node;
}

/** Proposes one by one and returns the entries that leave for a peer, message by message. */
function proposeEach(node: TestNode, to: number, texts: string[]): string[][] {
  const sent: string[][] = [];
  for (const text of texts) {
    node.propose(text);
    for (const message of only(node.drain(), "append")) {
      if (message.to === to) sent.push(message.entries.map(textOf));
    }
  }
  return sent;
}

Deno.test("a leader pipelines to a peer that replicates, and probes others one message at a time", () => {
  const node = leaderWithPeer();
  assertEquals(proposeEach(node, 2, ["a", "b", "c"]), [["a"], ["b"], ["c"]]);
  assertEquals(proposeEach(node, 3, ["d", "e"]), []);
  assertEquals(node.status.progress.get(3)?.state, "probe");
});

Deno.test("a leader stops at the bound on messages in flight and goes on as they are acknowledged", () => {
  const node = leaderWithPeer({ inflightMessagesMax: 2 });
  assertEquals(proposeEach(node, 2, ["a", "b", "c", "d"]), [["a"], ["b"]]);
  node.raw.step(accepted({ term: node.status.term, index: 2 }));
  const sent = only(node.drain(), "append").filter(({ to }) => to === 2);
  assertEquals(sent.map(({ entries }) => entries.map(textOf)), [["c", "d"]]);
});

Deno.test("a leader stops at the bound on bytes in flight", () => {
  const node = leaderWithPeer({ inflightBytesMax: 4 });
  assertEquals(proposeEach(node, 2, ["aaa", "bbb", "ccc"]), [["aaa"], ["bbb"]]);
});

Deno.test("a leader cuts messages at the bound on bytes, but sends one larger entry", () => {
  const node = leaderWithPeer({ appendBytesMax: 4 });
  for (const text of ["aa", "bb", "cc", "longer", "d"]) node.propose(text);
  const sent = only(node.drain(), "append").filter(({ to }) => to === 2);
  assertEquals(sent.map(({ entries }) => entries.map(textOf)), [
    ["aa", "bb"],
    ["cc"],
    ["longer"],
    ["d"],
  ]);
});

Deno.test("a full window whose messages are lost is recovered by a heartbeat", () => {
  const network = new TestNetwork({ size: 3, config: { inflightMessagesMax: 2 } });
  network.elect(1);
  network.loses = (message) => message.type === "append" && message.to === 3;
  network.propose(1, "a", "b", "c", "d");
  assertEquals(network.node(3).appliedTexts, []);

  network.heal();
  network.tick(3);

  assertEquals(network.node(3).appliedTexts, ["a", "b", "c", "d"]);
});

Deno.test("a lost probe is repeated after the next heartbeat", () => {
  const network = new TestNetwork({ size: 3 });
  network.loses = (message) => message.type === "append" && message.to === 3;
  network.elect(1);
  assertEquals(network.node(1).status.progress.get(3)?.state, "probe");
  network.heal();
  network.tick(2);
  assertEquals(network.node(1).status.progress.get(3)?.state, "replicate");
});

Deno.test("a peer that has everything leaves probe without a new entry", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.propose(1, "a");
  network.node(1).raw.reportUnreachable(3);
  network.tick(2);
  assertEquals(network.node(1).status.progress.get(3)?.state, "replicate");
});

Deno.test("a commit reaches followers at once, in one message without entries", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.trace = [];
  network.propose(1, "a");
  assertEquals(network.trace, [
    '1->2 append term 1 after 1/1 commit 1 [1/2 "a"]',
    '1->3 append term 1 after 1/1 commit 1 [1/2 "a"]',
    "2->1 appendResponse term 1 accepted 2",
    "3->1 appendResponse term 1 accepted 2",
    "1->2 append term 1 after 1/2 commit 2 []",
    "1->3 append term 1 after 1/2 commit 2 []",
    "2->1 appendResponse term 1 accepted 2",
    "3->1 appendResponse term 1 accepted 2",
  ]);
});

Deno.test("an idle group exchanges heartbeats and nothing else", () => {
  const network = new TestNetwork({ size: 3 });
  network.elect(1);
  network.propose(1, "a");
  network.tick(3);
  network.trace = [];
  network.tick(10);
  assertEquals(network.trace.length, 40);
  assert(network.trace.every((line) => line.includes("heartbeat")));
});

Deno.test("entries of a deposed leader are replaced by those of its successor", () => {
  const network = new TestNetwork({ size: 5 });
  network.elect(1);
  network.propose(1, "a");
  network.isolate(1, 2);
  network.propose(1, "lost 1", "lost 2", "lost 3");
  network.tick(40);
  const leader = network.awaitLeader([3, 4, 5]);
  network.propose(leader.id, "b");

  network.heal();
  network.tick(20);

  for (const node of network.nodes.values()) assertEquals(node.appliedTexts, ["a", "b"]);
});

Deno.test("a follower commits nothing behind the entries that a message of its leader brings", () => {
  // Entry 3 is of a dead leader; the new one has committed another there.
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 1, 2] });
  const news = { term: 5, commit: 3 };
  node.raw.step(append({ ...news, prevIndex: 1, prevTerm: 1, entries: entriesOfTerms([1], 2) }));
  node.drain();
  assertEquals([node.status.commit, node.status.lastIndex], [2, 3]);
  node.raw.step(append({ ...news, prevIndex: 2, prevTerm: 1, entries: entriesOfTerms([5], 3) }));
  node.drain();
  assertEquals(node.appliedTexts, ["1/1", "1/2", "5/3"]);
});

/** Round trips that end in a refusal until the leader knows where the two logs meet. */
function countRefusals(leaderLog: Term[], followerLog: Term[]): number {
  const group = { voters: [1, 2, 3], hardState: { term: 5 } };
  const leader = elect(new TestNode({ ...group, log: leaderLog }));
  const follower = new TestNode({ ...group, id: 2, log: followerLog });
  const end = { prevIndex: leaderLog.length, prevTerm: leaderLog.at(-1) ?? 0 };
  let probe = append({ from: 1, to: 2, term: 6, ...end });
  for (let refusals = 0;; refusals++) {
    follower.raw.step(probe);
    const [answer] = only(follower.drain(), "appendResponse");
    assert(answer !== undefined, "every probe is answered");
    if (!answer.reject) return refusals;
    leader.raw.step(answer);
    const next = only(leader.drain(), "append").find(({ to }) => to === 2);
    assert(next !== undefined, "a refusal makes the leader probe again");
    probe = next;
  }
}

Deno.test("conflicts are skipped by whole terms, on both sides", () => {
  const many = (term: Term): Term[] => Array(300).fill(term);
  assertEquals(countRefusals([1, ...many(3)], [1, ...many(2)]), 1);
  assertEquals(countRefusals([1, ...many(2)], [1, ...many(3)]), 1);
  assertEquals(countRefusals([1, ...many(4), ...many(5)], [1, ...many(2), ...many(3)]), 1);
  assertEquals(countRefusals([1, ...many(2), ...many(4)], [1, ...many(1), ...many(3)]), 2);
  assertEquals(countRefusals([1, 1, 1], []), 1);
  assertEquals(countRefusals([1, 1, 1], [1, 1, 1, 1]), 0);
});
