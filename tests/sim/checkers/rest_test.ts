import type { HistoryOperation } from "../history.ts";
import type { SystemView } from "../observation.ts";
import {
  assertTrips,
  configOf,
  configProposal,
  entryOf,
  FakeNode,
  payload,
  writesProposal,
} from "./checker_testing.ts";
import { IdleChecker } from "./idle.ts";
import { RequestChecker } from "./requests.ts";

function endOf(parts: Partial<SystemView>): SystemView {
  const nothing = { nodes: [], history: [], finalValues: new Map() };
  return { nowMs: 0, config: configOf(0, []), ...nothing, ...parts };
}

Deno.test("Item 26 trips on a log or an engine that grows while nobody asks", () => {
  const rest = (change: (node: FakeNode) => void) => {
    const checker = new IdleChecker();
    const node = new FakeNode(1);
    node.put(Buffer.of(1), Buffer.of(1));
    checker.idleBegan([node.view]);
    change(node);
    checker.ended(endOf({ nodes: [node.view] }));
  };
  rest(() => {});
  assertTrips("idle", () => rest((node) => node.status.lastIndex++));
  assertTrips("idle", () => rest((node) => node.put(Buffer.of(2), Buffer.of(1))));
  // A new leader begins its term with an entry.
  rest((node) => {
    node.status.term++;
    node.status.lastIndex++;
  });
});

Deno.test("Item 26 lets a request that comes late have its effect", () => {
  const checker = new IdleChecker();
  const node = new FakeNode(1);
  const end = () => checker.ended(endOf({ nodes: [node.view] }));
  checker.idleBegan([node.view]);
  node.status.lastIndex++;
  const own = entryOf(1, 1, payload(configProposal(4)));
  checker.entriesApplied(node.view, [{ entry: own, replies: [] }]);
  assertTrips("idle", end);
  const late = entryOf(2, 1, payload(writesProposal("77", 1, "key")));
  checker.entriesApplied(node.view, [{ entry: late, replies: [] }]);
  end();
});

const LIMITS = {
  appendBytesMax: 1,
  inflightMessagesMax: 1,
  inflightBytesMax: 1,
  uncommittedBytesMax: 1,
  callTimeoutMaxMs: 1_000,
};

function operation(method: string, returnedMs: number | undefined): HistoryOperation {
  return {
    id: 1,
    client: 0,
    method,
    call: 1,
    key: "key",
    input: { kind: "get" },
    invoked: 1,
    invokedMs: 500,
    returned: returnedMs === undefined ? undefined : 2,
    returnedMs,
    outcome: { kind: "ok" },
  };
}

Deno.test("Item 27 trips on a call that never ends, or ends after its time", () => {
  const checker = new RequestChecker(LIMITS);
  checker.operationReturned(operation("get", 1_500));
  checker.operationReturned(operation("scan", 9_000));
  assertTrips("answered", () => checker.operationReturned(operation("get", 1_502)));
  checker.ended(endOf({ history: [operation("get", 1_500)] }));
  assertTrips("answered", () => checker.ended(endOf({ history: [operation("scan", undefined)] })));
});
