import { assertEquals, assertThrows } from "@std/assert";
import { emptyConfig } from "../../shardctrler/configuration/config.ts";
import { HistoryChecker } from "./history_checker.ts";
import { History, type OperationOutcome } from "./history.ts";
import { Violation } from "./observation.ts";

/** Appends to `log-all`, one after the other, and what a last read finds. */
function judge(
  appends: readonly (readonly [token: string, outcome: OperationOutcome["kind"]])[],
  finalValue: string,
): void {
  const history = new History(() => 0);
  const checker = new HistoryChecker();
  for (const [value, kind] of appends) {
    const operations = history.invoke(0, "log", [["log-all", { kind: "append", value }]]);
    history.finish(operations, () => kind === "ok" ? { kind } : { kind, error: "" });
    for (const operation of operations) checker.operationReturned(operation);
  }
  const read = history.invoke(0, "get", [["log-all", { kind: "get" }]]);
  history.finish(read, () => ({ kind: "ok", value: finalValue }));
  for (const operation of read) checker.operationReturned(operation);
  checker.ended({
    nowMs: 0,
    nodes: [],
    config: emptyConfig(1),
    history: history.operations,
    finalValues: new Map([["log-all", finalValue]]),
  });
}

function itemOf(run: () => void): string {
  return assertThrows(run, Violation).item;
}

Deno.test("HistoryChecker accepts acknowledged appends in order, with or without those that may have happened", () => {
  judge([["<0.1>", "ok"], ["<0.2>", "maybe"], ["<0.3>", "ok"]], "<0.1><0.3>");
  judge([["<0.1>", "ok"], ["<0.2>", "maybe"], ["<0.3>", "ok"]], "<0.1><0.3><0.2>");
  judge([["<0.1>", "failed"]], "");
});

Deno.test("HistoryChecker rejects an acknowledged append that is lost", () => {
  const item = itemOf(() => judge([["<0.1>", "ok"], ["<0.2>", "ok"]], "<0.1>"));
  assertEquals(item, "23 no acknowledged write is lost");
});

Deno.test("HistoryChecker rejects an append that happened twice", () => {
  const item = itemOf(() => judge([["<0.1>", "ok"], ["<0.2>", "ok"]], "<0.1><0.2><0.1>"));
  assertEquals(item, "18 a write takes effect at most once");
});

Deno.test("HistoryChecker rejects an append that surely did not happen, and one nobody made", () => {
  const item = "18 a write takes effect at most once";
  assertEquals(itemOf(() => judge([["<0.1>", "failed"]], "<0.1>")), item);
  assertEquals(itemOf(() => judge([["<0.1>", "ok"]], "<0.1><9.9>")), item);
});

Deno.test("HistoryChecker rejects an order that real time does not allow", () => {
  const item = itemOf(() => judge([["<0.1>", "ok"], ["<0.2>", "ok"]], "<0.2><0.1>"));
  assertEquals(item, "23 no acknowledged write is lost");
});
