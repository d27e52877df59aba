/** Judges what clients were told, key by key: one copy of the data must explain it all. */
import {
  checkByKey,
  type RegisterInput,
  registerModel,
  type RegisterOperation,
  type RegisterOutput,
  renderTimeline,
} from "../linearizability/mod.ts";
import type { HistoryOperation, OperationInput, OperationOutcome } from "./history.ts";
import { type Observer, type SystemView, Violation } from "./observation.ts";

/** Steps of the search for each key; a history that needs more counts as failed. */
const STEPS_MAX = 3_000_000;

/** Carries a picture of the key's history. */
export class LinearizabilityViolation extends Violation {
  /** A self-contained HTML page. */
  readonly timeline: string;

  constructor(message: string, timeline: string) {
    super("linearizable history", message);
    this.timeline = timeline;
  }
}

export class LinearizabilityChecker implements Observer {
  ended({ history }: SystemView): void {
    const operations = history.map(toRegisterOperation);
    const { failed } = checkByKey(registerModel, operations, { stepsMax: STEPS_MAX });
    const worst = failed[0];
    if (worst === undefined) return;
    const why = worst.kind === "illegal" ? "cannot be put in order" : "could not be decided";
    throw new LinearizabilityViolation(
      `The history of '${worst.key}' (${worst.operations.length} operations) ${why}`,
      renderTimeline(worst, { title: "Simulated history" }),
    );
  }
}

function toRegisterOperation(operation: HistoryOperation): RegisterOperation {
  const { client, key, input, outcome, invoked, returned, invokedMs, returnedMs } = operation;
  return {
    client,
    input: toRegisterInput(key, input),
    outcome: toRegisterOutcome(input, outcome),
    invoke: invoked,
    return: returned ?? invoked,
    times: { invokeMs: invokedMs, returnMs: returnedMs },
  };
}

function toRegisterInput(key: string, input: OperationInput): RegisterInput {
  switch (input.kind) {
    case "get":
    case "delete":
      return { op: input.kind, key };
    case "put":
    case "append":
      return { op: input.kind, key, value: input.value };
    case "cas":
      return { op: "cas", key, expected: input.expected, value: input.value };
  }
}

function toRegisterOutcome(
  input: OperationInput,
  outcome: OperationOutcome | undefined,
): RegisterOperation["outcome"] {
  if (outcome?.kind === "ok") return { kind: "ok", output: toRegisterOutput(input, outcome) };
  if (outcome?.kind === "failed" || input.kind === "get") return { kind: "failed" };
  return { kind: "maybe" };
}

function toRegisterOutput(
  input: OperationInput,
  outcome: Extract<OperationOutcome, { kind: "ok" }>,
): RegisterOutput {
  switch (input.kind) {
    case "get":
      return { kind: "value", value: outcome.value };
    case "put":
    case "append":
      return { kind: "done" };
    case "delete":
      return { kind: "deleted", existed: outcome.existed === true };
    case "cas":
      return outcome.swapped === true
        ? { kind: "swapped" }
        : { kind: "mismatch", current: outcome.value };
  }
}
