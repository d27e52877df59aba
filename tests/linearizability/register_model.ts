/** One key of the store: a register that may be absent, which differs from empty. */
import { unreachable } from "../../runtime/invariant.ts";
import type { Operation, Outcome } from "./history.ts";
import { RegisterLens } from "./register_lens.ts";
import { ILLEGAL, type Model } from "./model.ts";

/** Bytes as text, one character (0 to 255) a byte, so that equality is `===`. */
export type Bytes = string;

/** The value of a key; undefined if it is absent. */
export type RegisterState = Bytes | undefined;

export type RegisterInput =
  | { readonly op: "get"; readonly key: Bytes }
  | { readonly op: "put"; readonly key: Bytes; readonly value: Bytes }
  | { readonly op: "append"; readonly key: Bytes; readonly value: Bytes }
  | { readonly op: "delete"; readonly key: Bytes }
  /** `undefined` stands for no value: expected absent, or to be deleted. */
  | {
    readonly op: "cas";
    readonly key: Bytes;
    readonly expected: RegisterState;
    readonly value: RegisterState;
  };

export type RegisterOutput =
  | { readonly kind: "value"; readonly value: RegisterState }
  | { readonly kind: "done" }
  | { readonly kind: "deleted"; readonly existed: boolean }
  | { readonly kind: "swapped" }
  | { readonly kind: "mismatch"; readonly current: RegisterState };

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

const DONE: RegisterOutput = { kind: "done" };
const SWAPPED: RegisterOutput = { kind: "swapped" };

/** What the register answers, and what it holds afterwards. */
export function executeRegister(
  state: RegisterState,
  input: RegisterInput,
): { readonly state: RegisterState; readonly output: RegisterOutput } {
  switch (input.op) {
    case "get":
      return { state, output: { kind: "value", value: state } };
    case "put":
      return { state: input.value, output: DONE };
    case "append":
      return { state: (state ?? "") + input.value, output: DONE };
    case "delete":
      return { state: undefined, output: { kind: "deleted", existed: state !== undefined } };
    case "cas":
      return state === input.expected
        ? { state: input.value, output: SWAPPED }
        : { state, output: { kind: "mismatch", current: state } };
    default:
      return unreachable(input);
  }
}

export const registerModel: Model<RegisterState, RegisterInput, RegisterOutput> = {
  init: () => undefined,
  step(state, input, outcome) {
    const next = executeRegister(state, input);
    if (outcome.kind === "maybe") return next.state;
    return outcome.kind === "ok" && sameOutput(outcome.output, next.output) ? next.state : ILLEGAL;
  },
  equal: (a, b) => a === b,
  isRead(_input, outcome) {
    if (outcome.kind !== "ok") return false;
    const { output } = outcome;
    return output.kind === "value" || output.kind === "mismatch" ||
      (output.kind === "deleted" && !output.existed);
  },
  describe: (input, outcome) => `${describeInput(input)} ${describeOutcome(outcome)}`,
  describeState: describeValue,
  lensFor: (operations) => new RegisterLens(operations),
};

function sameOutput(a: RegisterOutput, b: RegisterOutput): boolean {
  switch (a.kind) {
    case "value":
      return b.kind === a.kind && a.value === b.value;
    case "deleted":
      return b.kind === a.kind && a.existed === b.existed;
    case "mismatch":
      return b.kind === a.kind && a.current === b.current;
    case "done":
    case "swapped":
      return b.kind === a.kind;
    default:
      return unreachable(a);
  }
}

function describeInput(input: RegisterInput): string {
  switch (input.op) {
    case "get":
    case "delete":
      return `${input.op}()`;
    case "put":
    case "append":
      return `${input.op}(${describeValue(input.value)})`;
    case "cas":
      return `cas(${describeValue(input.expected)} to ${describeValue(input.value)})`;
    default:
      return unreachable(input);
  }
}

function describeOutcome(outcome: Outcome<RegisterOutput>): string {
  if (outcome.kind !== "ok") return outcome.kind;
  const { output } = outcome;
  switch (output.kind) {
    case "value":
      return `gave ${describeValue(output.value)}`;
    case "done":
      return "ok";
    case "deleted":
      return output.existed ? "ok" : "found nothing";
    case "swapped":
      return "swapped";
    case "mismatch":
      return `found ${describeValue(output.current)}`;
    default:
      return unreachable(output);
  }
}

const SHOWN_CHARACTERS_MAX = 80;

function describeValue(value: RegisterState): string {
  if (value === undefined) return "absent";
  if (value.length <= SHOWN_CHARACTERS_MAX) return JSON.stringify(value);
  // The end tells more than the middle: appends change nothing else.
  const half = SHOWN_CHARACTERS_MAX / 2;
  const ends = [value.slice(0, half), value.slice(-half)].map((part) => JSON.stringify(part));
  return `${ends.join("...")} (${value.length} bytes)`;
}
