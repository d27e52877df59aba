import { assert, assertEquals } from "@std/assert";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import { isLinearizableByForce } from "./brute_force.ts";
import { checkByKey } from "./by_key.ts";
import { checkHistory } from "./checker.ts";
import type { Outcome } from "./history.ts";
import { randomHistory, type RandomHistoryOptions } from "./random_history.ts";
import {
  type RegisterInput,
  registerModel,
  type RegisterOperation,
  type RegisterOutput,
} from "./register_model.ts";

const STEPS_MAX = 1_000_000;

Deno.test("checkHistory() accepts what an atomic register answered", () => {
  for (let seed = 0; seed < 300; seed++) {
    const prng = createPrng(seed);
    const history = randomHistory(prng, {
      clients: 1 + prng.below(16),
      operations: 200,
      maybePercent: prng.below(25),
      delayMax: 1 + prng.below(20),
    });
    const { kind } = checkHistory(registerModel, history, { stepsMax: STEPS_MAX });
    assertEquals(kind, "ok", `seed ${seed}`);
  }
});

Deno.test("checkHistory() rejects a history once one read is made to give what nobody wrote", () => {
  let mutated = 0;
  for (let seed = 0; seed < 300; seed++) {
    const prng = createPrng(seed);
    const options = { clients: 8, operations: 120, maybePercent: prng.below(15), delayMax: 8 };
    const history = withOneReadChanged(prng, randomHistory(prng, options), () => "nobody's");
    if (history === undefined) continue;
    mutated++;
    const { kind, stuck } = checkHistory(registerModel, history, { stepsMax: STEPS_MAX });
    assertEquals(kind, "illegal", `seed ${seed}`);
    assert(stuck !== undefined);
  }
  assert(mutated > 250, `Only ${mutated} histories were mutated`);
});

Deno.test("checkHistory() rejects a history once a late read is made to forget acknowledged puts", () => {
  for (let seed = 0; seed < 100; seed++) {
    const prng = createPrng(seed);
    const history = randomHistory(prng, {
      clients: 8,
      operations: 150,
      maybePercent: 0,
      delayMax: 8,
      drawInput: (prng, key, number) =>
        prng.below(2) === 0 ? { op: "get", key } : { op: "put", key, value: `${number}` },
    });
    const end = Math.max(...history.map((operation) => operation.return));
    const outcome: Outcome<RegisterOutput> = {
      kind: "ok",
      output: { kind: "value", value: undefined },
    };
    const read = { client: 9, input: { op: "get", key: "k" }, outcome } as const;
    const forgetful = [...history, { ...read, invoke: end + 1, return: end + 2 }];
    assertEquals(checkHistory(registerModel, forgetful, { stepsMax: STEPS_MAX }).kind, "illegal");
  }
});

Deno.test("checkHistory() agrees with brute force on tiny histories, sound or not", () => {
  const seen = { ok: 0, illegal: 0, unknown: 0 };
  for (let seed = 0; seed < 10_000; seed++) {
    const history = tinyHistory(createPrng(seed));
    const { kind } = checkHistory(registerModel, history, { stepsMax: STEPS_MAX });
    const expected = isLinearizableByForce(registerModel, history) ? "ok" : "illegal";
    assertEquals(kind, expected, `seed ${seed}: ${JSON.stringify(history)}`);
    seen[kind]++;
  }
  assert(seen.ok > 1_000 && seen.illegal > 1_000, `Lopsided: ${JSON.stringify(seen)}`);
});

Deno.test("checkHistory() judges 10,000 operations of 16 clients in few steps", () => {
  const shapes: Record<string, Partial<RandomHistoryOptions>> = {
    mixed: {},
    "with unanswered writes": { maybePercent: 5 },
    "puts and gets": {
      drawInput: (prng, key, number) =>
        prng.below(2) === 0 ? { op: "get", key } : { op: "put", key, value: `${number}` },
    },
  };
  for (const [name, shape] of Object.entries(shapes)) {
    const history = randomHistory(createPrng(7), {
      clients: 16,
      operations: 10_000,
      maybePercent: 0,
      delayMax: 30,
      keys: ["a", "b", "c"],
      ...shape,
    });
    const { kind, steps } = checkByKey(registerModel, history, { stepsMax: STEPS_MAX });
    assertEquals(kind, "ok", name);
    assert(steps < 500_000, `${name}: ${steps} steps`);
  }
});

/** A copy in which one answered read has another value; undefined if there is none. */
function withOneReadChanged(
  prng: Prng,
  history: readonly RegisterOperation[],
  value: () => string | undefined,
): RegisterOperation[] | undefined {
  const reads = history.flatMap(({ input, outcome }, index) =>
    input.op === "get" && outcome.kind === "ok" ? [index] : []
  );
  if (reads.length === 0) return undefined;
  const index = reads[prng.below(reads.length)] as number;
  const outcome = { kind: "ok", output: { kind: "value", value: value() } } as const;
  return history.with(index, { ...history[index] as RegisterOperation, outcome });
}

/** Up to six operations on few values; about half of the time with answers at random. */
function tinyHistory(prng: Prng): RegisterOperation[] {
  const options = {
    clients: 3,
    operations: 1 + prng.below(6),
    maybePercent: 30,
    delayMax: 1 + prng.below(4),
    drawInput: drawTiny,
  };
  const history = randomHistory(prng, options);
  if (prng.below(4) === 0) return history;
  return history.map((operation) =>
    operation.outcome.kind === "ok" && prng.below(3) === 0
      ? { ...operation, outcome: { kind: "ok", output: drawOutput(prng, operation.input) } }
      : operation
  );
}

const TINY_VALUES = [undefined, "", "a", "b", "ab"] as const;

function drawTiny(prng: Prng, key: string): RegisterInput {
  const value = prng.below(2) === 0 ? "a" : "b";
  switch (prng.below(6)) {
    case 0:
      return { op: "put", key, value };
    case 1:
      return { op: "append", key, value };
    case 2:
      return { op: "delete", key };
    case 3:
      return {
        op: "cas",
        key,
        expected: TINY_VALUES[prng.below(4)],
        value: TINY_VALUES[prng.below(4)],
      };
    default:
      return { op: "get", key };
  }
}

function drawOutput(prng: Prng, input: RegisterInput): RegisterOutput {
  switch (input.op) {
    case "get":
      return { kind: "value", value: TINY_VALUES[prng.below(TINY_VALUES.length)] };
    case "delete":
      return { kind: "deleted", existed: prng.below(2) === 0 };
    case "cas":
      return prng.below(2) === 0
        ? { kind: "swapped" }
        : { kind: "mismatch", current: TINY_VALUES[prng.below(TINY_VALUES.length)] };
    default:
      return { kind: "done" };
  }
}
