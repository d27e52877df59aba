/** Nodes as the Raft paper has them: without pre-vote and quorum checks. */
import { assertEquals } from "@std/assert";
import type { Message } from "../message.ts";
import type { NodeId } from "../types.ts";
import { accepted, only, voteResponse } from "./messages.ts";
import { TestNode, type TestNodeOptions } from "./test_node.ts";

export const ELECTION_TICKS = 10;

/** One of voters 1, 2 and 3. */
export function paperNode(options: TestNodeOptions = {}): TestNode {
  return new TestNode({
    voters: [1, 2, 3],
    ...options,
    config: {
      electionTicks: ELECTION_TICKS,
      preVote: false,
      checkQuorum: false,
      ...options.config,
    },
  });
}

/** A node that campaigns and has asked everybody. */
export function candidate(options: TestNodeOptions = {}): TestNode {
  const node = paperNode(options);
  node.raw.campaign();
  node.drain();
  assertEquals(node.status.role, "candidate");
  return node;
}

/** Voters 1 to `size`. */
export function group(size: number): NodeId[] {
  return Array.from({ length: size }, (_, i) => i + 1);
}

/** Gives every append its due answer, as peers that have it on disk would. */
export function acknowledgeAll(node: TestNode, messages: readonly Message[]): Message[] {
  for (const { to, term, prevIndex, entries } of only(messages, "append")) {
    node.raw.step(accepted({ from: to, to: node.id, term, index: prevIndex + entries.length }));
  }
  return node.drain();
}

/** A leader whose first entry of the term is committed, with nothing under way. */
export function settledLeader(options: TestNodeOptions = {}): TestNode {
  const node = paperNode(options);
  node.raw.campaign();
  node.drain();
  for (const from of node.raw.confState.voters) {
    if (from !== node.id) {
      node.raw.step(voteResponse({ from, to: node.id, term: node.status.term }));
    }
  }
  for (let sent = node.drain(); sent.length > 0;) sent = acknowledgeAll(node, sent);
  assertEquals(node.status.commit, node.status.lastIndex);
  return node;
}

/** Ticks until the node campaigns. */
export function ticksToCampaign(node: TestNode): number {
  for (let ticks = 1; ticks <= 3 * ELECTION_TICKS; ticks++) {
    node.raw.tick();
    if (only(node.drain(), "vote").length > 0) return ticks;
  }
  throw new Error("Cannot see a campaign: the node is silent");
}
