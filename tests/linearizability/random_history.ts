/** Histories of a register that is atomic, because it really is one. */
import type { Prng } from "../../runtime/prng.ts";
import type { Outcome } from "./history.ts";
import {
  executeRegister,
  type RegisterInput,
  type RegisterOperation,
  type RegisterOutput,
  type RegisterState,
} from "./register_model.ts";

export interface RandomHistoryOptions {
  readonly clients: number;
  readonly operations: number;
  /** Of a hundred writes, how many get no answer. */
  readonly maybePercent: number;
  /** Longest time from an invocation to its effect, and from there to the return. */
  readonly delayMax: number;
  readonly keys?: readonly string[] | undefined;
  /** Draws the operations. @default {all kinds, with values that differ} */
  readonly drawInput?: ((prng: Prng, key: string, number: number) => RegisterInput) | undefined;
}

interface Planned {
  readonly client: number;
  readonly input: RegisterInput;
  readonly invoke: number;
  /** Infinity for a write that never happens. */
  readonly effect: number;
  readonly return: number;
  readonly isAnswered: boolean;
}

/** The history of clients that call one operation after the other, each at once somewhere inside. */
export function randomHistory(prng: Prng, options: RandomHistoryOptions): RegisterOperation[] {
  const plans = planned(prng, options);
  const outputs = new Map<Planned, RegisterOutput>();
  const states = new Map<string, RegisterState>();
  for (const plan of plans.toSorted((a, b) => a.effect - b.effect)) {
    if (plan.effect === Infinity) break;
    const { key } = plan.input;
    const { state, output } = executeRegister(states.get(key), plan.input);
    states.set(key, state);
    outputs.set(plan, output);
  }
  return plans.map((plan) => {
    const { client, input, invoke } = plan;
    const output = outputs.get(plan);
    const outcome: Outcome<RegisterOutput> = plan.isAnswered && output !== undefined
      ? { kind: "ok", output }
      : { kind: "maybe" };
    return { client, input, invoke, return: plan.return, outcome };
  });
}

function planned(prng: Prng, options: RandomHistoryOptions): Planned[] {
  const { clients, operations, maybePercent, delayMax, keys = ["k"] } = options;
  const drawInput = options.drawInput ?? drawAny;
  const freeAt = Array.from({ length: clients }, () => prng.below(delayMax + 1));
  return Array.from({ length: operations }, (_, number) => {
    const client = prng.below(clients);
    const input = drawInput(prng, keys[prng.below(keys.length)] as string, number);
    const invoke = freeAt[client] as number;
    const isAnswered = input.op === "get" || prng.below(100) >= maybePercent;
    const delay = prng.below(delayMax + 1);
    // Unanswered writes may happen long after their client went on, or not at all.
    const late = prng.below(2) === 0 ? Infinity : delay * (1 + prng.below(20));
    const effect = invoke + (isAnswered ? delay : late);
    const end = invoke + delay + prng.below(delayMax + 1);
    freeAt[client] = end + 1 + prng.below(delayMax + 1);
    return { client, input, invoke, effect, return: end, isAnswered };
  });
}

/** Any operation; gets and puts twice as often as the others. */
function drawAny(prng: Prng, key: string, number: number): RegisterInput {
  const value = `v${number}`;
  switch (prng.below(7)) {
    case 0:
    case 1:
      return { op: "put", key, value };
    case 2:
      return { op: "append", key, value };
    case 3:
      return { op: "delete", key };
    case 4: {
      const expected = prng.below(3) === 0 ? undefined : `v${Math.max(0, number - prng.below(6))}`;
      return { op: "cas", key, expected, value: prng.below(4) === 0 ? undefined : value };
    }
    default:
      return { op: "get", key };
  }
}
