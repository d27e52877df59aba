/** What a thrifty leader sends at once, what it holds back, and for how long. */
import { assertEquals } from "@std/assert";
import type { RaftConfig } from "../config.ts";
import type { Message } from "../message.ts";
import { accepted, only } from "../testing/messages.ts";
import { TestNetwork } from "../testing/test_network.ts";
import { elect, TestNode, textOf, voters } from "../testing/test_node.ts";
import type { NodeId } from "../types.ts";
import { Vanguard } from "./vanguard.ts";

const FIVE = voters(1, 2, 3, 4, 5);

/** Members once each voter beside node 1 has what is given, and a race for entry 8 has been judged. */
function raced(conf: typeof FIVE, match: Record<NodeId, number>): NodeId[] | undefined {
  const vanguard = new Vanguard();
  vanguard.race(8);
  vanguard.judge(conf, 1, (id) => match[id] ?? 0);
  return vanguard.members && [...vanguard.members];
}

Deno.test("a race is won by the first who, with the leader, are a majority", () => {
  assertEquals(raced(FIVE, { 2: 7, 3: 7, 4: 7, 5: 7 }), undefined);
  assertEquals(raced(FIVE, { 3: 8 }), undefined);
  assertEquals(raced(FIVE, { 3: 8, 5: 9 }), [3, 5]);
  assertEquals(raced(voters(1), {}), []);
});

Deno.test("a race is won only when both majorities of a joint configuration have the entry", () => {
  const joint = { ...voters(1, 2, 3), votersOutgoing: [4, 5, 6] };
  assertEquals(raced(joint, { 2: 8, 4: 8 }), undefined);
  assertEquals(raced(joint, { 2: 8, 4: 8, 6: 8 }), [2, 4, 6]);
});

Deno.test("a leader that does not vote itself needs a majority of the others", () => {
  assertEquals(raced(voters(2, 3, 4), { 2: 8 }), undefined);
  assertEquals(raced(voters(2, 3, 4), { 2: 8, 4: 8 }), [2, 4]);
});

/** A leader of the voters 1, 2, 3 (and learner 4) whose first entry all have; node 2 had it first. */
function thriftyLeader(config: Partial<RaftConfig> = {}): TestNode {
  const confState = { ...voters(1, 2, 3), learners: [4] };
  const node = elect(new TestNode({ confState, config: { thrifty: true, ...config } }));
  for (const from of [2, 3, 4]) acknowledge(node, from);
  node.drain();
  node.raw.sendHeld();
  node.drain();
  return node;
}

function acknowledge(node: TestNode, from: NodeId, index = node.status.lastIndex): void {
  node.raw.step(accepted({ from, term: node.status.term, index }));
}

/** The entries of the appends among messages, by receiver. */
function appends(messages: readonly Message[]): [NodeId, ...string[]][] {
  return only(messages, "append").map(({ to, entries }) => [to, ...entries.map(textOf)]);
}

function propose(node: TestNode, ...texts: string[]) {
  for (const text of texts) node.propose(text);
  return appends(node.drain());
}

Deno.test("a thrifty leader sends entries to its vanguard, and to the rest when it is asked to", () => {
  const node = thriftyLeader();
  assertEquals(propose(node, "a"), [[2, "a"]]);
  assertEquals(propose(node, "b"), [[2, "b"]]);
  assertEquals(node.raw.holdsBack, true);
  node.raw.sendHeld();
  assertEquals(appends(node.drain()), [[3, "a", "b"], [4, "a", "b"]]);
  assertEquals(node.raw.holdsBack, false);
});

Deno.test("a thrifty leader commits with its vanguard alone and tells it with the next entry", () => {
  const node = thriftyLeader();
  propose(node, "a");
  acknowledge(node, 2);
  assertEquals(appends(node.drain()), [], "nobody waits for news of a commit");
  assertEquals(node.appliedTexts, ["a"]);
  node.propose("b");
  const [message] = only(node.drain(), "append");
  assertEquals([message?.to, message?.commit], [2, 2]);
});

Deno.test("a thrifty leader holds news of a commit back, but not for good", () => {
  const node = thriftyLeader();
  propose(node, "a");
  node.raw.sendHeld();
  node.drain();
  acknowledge(node, 3);
  node.drain();
  assertEquals(node.raw.holdsBack, true);
  node.raw.sendHeld();
  assertEquals(only(node.drain(), "append").map(({ to, commit }) => [to, commit]), [
    [2, 2],
    [3, 2],
    [4, 2],
  ]);
  assertEquals(node.raw.holdsBack, false);
});

Deno.test("a large entry is held back from nobody", () => {
  const node = thriftyLeader();
  node.raw.propose(new Uint8Array(4 << 10));
  const sent = only(node.drain(), "append");
  assertEquals(sent.map(({ to }) => to), [2, 3, 4]);
});

Deno.test("small entries are held back until they are large together", () => {
  const node = thriftyLeader();
  const members = Array.from({ length: 4 }, () => {
    node.raw.propose(new Uint8Array(1 << 10));
    return only(node.drain(), "append").map(({ to, entries }) => [to, entries.length]);
  });
  assertEquals(members, [[[2, 1]], [[2, 1]], [[2, 1]], [[2, 1], [3, 4], [4, 4]]]);
});

Deno.test("everybody is asked for help when the vanguard is late, and the first to help joins it", () => {
  const node = thriftyLeader();
  propose(node, "a");
  node.raw.sendHeld();
  node.drain();
  assertEquals(propose(node, "b"), [[2, "b"], [3, "b"], [4, "b"]], "a race");
  acknowledge(node, 3);
  node.drain();
  assertEquals(propose(node, "c"), [[3, "c"]]);
});

Deno.test("a member of the vanguard that needs help itself is not waited for", () => {
  const node = thriftyLeader();
  node.raw.reportUnreachable(2);
  assertEquals(propose(node, "a"), [[2, "a"], [3, "a"], [4, "a"]]);
});

Deno.test("whoever becomes faster joins the vanguard: each heartbeat of a tick begins a race", () => {
  const node = thriftyLeader();
  node.raw.tick();
  node.drain();
  assertEquals(propose(node, "a"), [[2, "a"], [3, "a"], [4, "a"]]);
  acknowledge(node, 3);
  node.drain();
  assertEquals(propose(node, "b"), [[3, "b"]]);
});

Deno.test("a change of members begins a race", () => {
  const node = thriftyLeader();
  node.proposeChange({ type: "remove", id: 4 });
  node.drain();
  acknowledge(node, 2);
  node.drain();
  assertEquals(node.status.progress.has(4), false);
  assertEquals(propose(node, "a").map(([to]) => to), [2, 3]);
});

Deno.test("nothing is held back from the target of a transfer, nor from a follower that reads", () => {
  const node = thriftyLeader();
  propose(node, "a");
  acknowledge(node, 2);
  node.drain();
  const { term } = node.status;
  node.raw.step({ type: "readIndex", from: 4, to: 1, term, context: 9 });
  const [heartbeat] = only(node.drain(), "heartbeat");
  const context = heartbeat?.context ?? 0;
  node.raw.step({ type: "heartbeatResponse", from: 2, to: 1, term, context });
  const sent = node.drain();
  assertEquals(only(sent, "readIndexResponse").map(({ to, index }) => [to, index]), [[4, 2]]);
  assertEquals(appends(sent), [[4, "a"]]);
  node.raw.transferLeader(3);
  assertEquals(appends(node.drain()), [[3, "a"]]);
});

Deno.test("even without a driver that asks, the rest gets everything with the next heartbeats", () => {
  const network = new TestNetwork({ size: 5, config: { thrifty: true } });
  network.elect(1);
  network.propose(1, "a", "b", "c");
  network.tick(2);
  for (const node of network.nodes.values()) assertEquals(node.appliedTexts, ["a", "b", "c"]);
});
