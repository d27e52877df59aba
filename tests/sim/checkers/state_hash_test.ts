import { assertEquals, assertNotEquals } from "@std/assert";
import { readyOf } from "../../../raft/testing/ready.ts";
import { assertTrips, confOf, FakeNode } from "./checker_testing.ts";
import { stateHash, StateHashChecker } from "./state_hash.ts";

/** A stay of shard 0, and a record in it. */
const STAY = [0, 0, 0, 0, 0, 3];
const RECORD = Buffer.of(0x04, ...STAY, 0x02, 0x61);

function nodeWith(id: number, value: string, gid = 1): FakeNode {
  const node = new FakeNode(id, { gid });
  node.put(RECORD, Buffer.from(value));
  node.show(8);
  return node;
}

Deno.test("Item 19 trips on replicas that differ at one index", () => {
  const checker = new StateHashChecker();
  checker.appliedTo(nodeWith(1, "x").view, 8);
  checker.appliedTo(nodeWith(2, "x").view, 8);
  checker.appliedTo(nodeWith(1, "y", 2).view, 8);
  assertTrips("sameState", () => checker.appliedTo(nodeWith(3, "y").view, 8));
});

Deno.test("Item 20 trips on a state that came by snapshot and differs from that of the log", () => {
  const checker = new StateHashChecker();
  const node = nodeWith(2, "y");
  checker.appliedTo(nodeWith(1, "x").view, 8);
  const snapshot = { index: 4, term: 1, confState: confOf(1, 2), id: 1 };
  checker.roundTaken(node.view, readyOf({ snapshot }));
  assertTrips("snapshotState", () => checker.appliedTo(node.view, 8));
});

Deno.test("Item 19 passes over what a group has given up, until it is cleared or after", () => {
  const hashOf = (node: FakeNode) => stateHash(node.content, true);
  const cleared = new FakeNode(1);
  cleared.show(8);
  const given = nodeWith(2, "x");
  assertNotEquals(hashOf(given), hashOf(cleared));
  given.put(Buffer.of(0x03, ...STAY), Buffer.alloc(0));
  assertEquals(hashOf(given), hashOf(cleared));
});
