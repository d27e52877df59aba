import type { AppliedEntry, Observer } from "../observation.ts";
import { ResultCode } from "../../../proto/gen/shardkv.ts";
import { assertTrips, entryOf, FakeNode, payload, writesProposal } from "./checker_testing.ts";
import { SessionChecker } from "./sessions.ts";

function applied(index: number, sequence: number, code: ResultCode, value = ""): AppliedEntry {
  const data = payload(writesProposal("77", sequence, "key"));
  const result = { code, value: Buffer.from(value), hasValue: value !== "" };
  return { entry: entryOf(index, 1, data), replies: [{ kind: "writes", results: [result] }] };
}

function started(checker: Observer, id: number, gid = 1): FakeNode {
  const node = new FakeNode(id, { gid });
  checker.nodeStarted?.(node.view);
  return node;
}

const { RESULT_OK, RESULT_MISMATCH, RESULT_WRONG_GROUP } = ResultCode;

Deno.test("Item 18 trips on two answers to one write, in one group or in two", () => {
  const checker = new SessionChecker();
  const [here, there] = [started(checker, 1), started(checker, 1, 2)];
  checker.entriesApplied(here.view, [applied(1, 5, RESULT_WRONG_GROUP)]);
  checker.entriesApplied(here.view, [applied(2, 5, RESULT_MISMATCH, "a")]);
  checker.entriesApplied(here.view, [applied(3, 5, RESULT_MISMATCH, "a")]);
  checker.entriesApplied(there.view, [applied(9, 5, RESULT_MISMATCH, "a")]);
  assertTrips("once", () => {
    checker.entriesApplied(there.view, [applied(10, 5, RESULT_MISMATCH, "b")]);
  });
  assertTrips("once", () => checker.entriesApplied(here.view, [applied(4, 5, RESULT_OK)]));
});

Deno.test("Item 18 lets a mismatch with a large value tell another one later, and nothing else", () => {
  const checker = new SessionChecker();
  const [first, second] = [started(checker, 1), started(checker, 2)];
  const [large, other] = ["l".repeat(2_000), "o".repeat(2_000)];
  checker.entriesApplied(first.view, [applied(2, 5, RESULT_MISMATCH, large)]);
  assertTrips("once", () => {
    checker.entriesApplied(second.view, [applied(2, 5, RESULT_MISMATCH, other)]);
  });
  checker.entriesApplied(first.view, [applied(3, 5, RESULT_MISMATCH, other)]);
  checker.entriesApplied(first.view, [applied(4, 5, RESULT_MISMATCH)]);
  assertTrips("once", () => checker.entriesApplied(first.view, [applied(5, 5, RESULT_OK)]));
});

Deno.test("Item 18 trips on a repeated write that changes what is stored", () => {
  const checker = new SessionChecker();
  const [first, second] = [started(checker, 1), started(checker, 2)];
  const grow = (node: FakeNode, bytes: number) => {
    node.figures = [{ shard: 0, status: "Serving", keys: 1, bytes }];
  };
  grow(first, 4);
  checker.entriesApplied(first.view, [applied(1, 5, RESULT_OK)]);
  // Another replica executes the same entry, which is no repetition.
  grow(second, 4);
  checker.entriesApplied(second.view, [applied(1, 5, RESULT_OK)]);
  checker.entriesApplied(second.view, [applied(2, 5, RESULT_OK)]);
  grow(first, 5);
  assertTrips("once", () => checker.entriesApplied(first.view, [applied(2, 5, RESULT_OK)]));
});
