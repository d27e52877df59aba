import { assertStringIncludes, assertThrows } from "@std/assert";
import { emptyConfig } from "../../shardctrler/configuration/config.ts";
import { History, type OperationInput, type OperationOutcome } from "./history.ts";
import { LinearizabilityChecker, LinearizabilityViolation } from "./linearizable.ts";

type Step = readonly [input: OperationInput, outcome: OperationOutcome];

/** One client, one operation after the other on one key. */
function judge(steps: readonly Step[]): void {
  const history = new History(() => 0);
  for (const [input, outcome] of steps) {
    history.finish(history.invoke(0, "call", [["key-0", input]]), () => outcome);
  }
  new LinearizabilityChecker().ended({
    nowMs: 0,
    nodes: [],
    config: emptyConfig(1),
    history: history.operations,
    finalValues: new Map(),
  });
}

const STEPS: readonly Step[] = [
  [{ kind: "get" }, { kind: "ok", value: undefined }],
  [{ kind: "put", value: "a" }, { kind: "ok" }],
  [{ kind: "append", value: "b" }, { kind: "ok" }],
  [{ kind: "cas", expected: "x", value: "c" }, { kind: "ok", swapped: false, value: "ab" }],
  [{ kind: "cas", expected: "ab", value: "c" }, { kind: "ok", swapped: true }],
  [{ kind: "put", value: "lost" }, { kind: "failed", error: "" }],
  [{ kind: "append", value: "d" }, { kind: "maybe", error: "" }],
  [{ kind: "get" }, { kind: "ok", value: "cd" }],
  [{ kind: "delete" }, { kind: "ok", existed: true }],
  [{ kind: "delete" }, { kind: "ok", existed: false }],
];

Deno.test("LinearizabilityChecker accepts a history that one copy of the data explains", () => {
  judge(STEPS);
});

Deno.test("LinearizabilityChecker rejects every answer that is changed, and draws the history", () => {
  const changed: readonly (readonly [number, OperationOutcome])[] = [
    [0, { kind: "ok", value: "a" }],
    [3, { kind: "ok", swapped: true }],
    [3, { kind: "ok", swapped: false, value: "a" }],
    [4, { kind: "ok", swapped: false, value: "c" }],
    [7, { kind: "ok", value: "lost" }],
    [8, { kind: "ok", existed: false }],
    [9, { kind: "ok", existed: true }],
  ];
  for (const [at, outcome] of changed) {
    const mutated = STEPS.map(([input, was], i): Step => [input, i === at ? outcome : was]);
    const error = assertThrows(() => judge(mutated), LinearizabilityViolation, "key-0");
    assertStringIncludes(error.timeline, "<!doctype html>");
  }
});
