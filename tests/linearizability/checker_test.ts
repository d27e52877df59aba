import { assertEquals, assertThrows } from "@std/assert";
import { checkByKey } from "./by_key.ts";
import { checkHistory } from "./checker.ts";
import type { Outcome } from "./history.ts";
import {
  type RegisterInput,
  registerModel,
  type RegisterOperation,
  type RegisterOutput,
  type RegisterState,
} from "./register_model.ts";

const STEPS_MAX = 100_000;
const KEY = "k";
let nextClient = 0;

function ok(
  input: RegisterInput,
  output: RegisterOutput,
  invoke: number,
  end: number,
): RegisterOperation {
  return { client: nextClient++, input, outcome: { kind: "ok", output }, invoke, return: end };
}

function unanswered(
  input: RegisterInput,
  invoke: number,
  kind: "maybe" | "failed" = "maybe",
): RegisterOperation {
  const outcome: Outcome<RegisterOutput> = { kind };
  return { client: nextClient++, input, outcome, invoke, return: invoke };
}

const put = (value: string, from: number, to: number) =>
  ok({ op: "put", key: KEY, value }, { kind: "done" }, from, to);
const append = (value: string, from: number, to: number) =>
  ok({ op: "append", key: KEY, value }, { kind: "done" }, from, to);
const get = (value: RegisterState, from: number, to: number) =>
  ok({ op: "get", key: KEY }, { kind: "value", value }, from, to);
const remove = (existed: boolean, from: number, to: number) =>
  ok({ op: "delete", key: KEY }, { kind: "deleted", existed }, from, to);
const swap = (expected: RegisterState, value: RegisterState, from: number, to: number) =>
  ok({ op: "cas", key: KEY, expected, value }, { kind: "swapped" }, from, to);
const mismatch = (
  expected: RegisterState,
  value: RegisterState,
  current: RegisterState,
  from: number,
  to: number,
) => ok({ op: "cas", key: KEY, expected, value }, { kind: "mismatch", current }, from, to);
const maybePut = (value: string, at: number) => unanswered({ op: "put", key: KEY, value }, at);
const maybeAppend = (value: string, at: number) =>
  unanswered({ op: "append", key: KEY, value }, at);

function verdict(...operations: RegisterOperation[]): string {
  return checkHistory(registerModel, operations, { stepsMax: STEPS_MAX }).kind;
}

Deno.test("checkHistory() accepts an empty history and one that happens in sequence", () => {
  assertEquals(verdict(), "ok");
  assertEquals(
    verdict(
      get(undefined, 0, 1),
      put("", 2, 3),
      get("", 4, 5),
      append("x", 6, 7),
      append("y", 8, 9),
      get("xy", 10, 11),
      remove(true, 12, 13),
      remove(false, 14, 15),
      append("z", 16, 17),
      get("z", 18, 19),
    ),
    "ok",
  );
});

Deno.test("checkHistory() tells a missing key from an empty value", () => {
  assertEquals(verdict(put("", 0, 1), get(undefined, 2, 3)), "illegal");
  assertEquals(verdict(get("", 0, 1)), "illegal");
  assertEquals(verdict(put("", 0, 1), remove(false, 2, 3)), "illegal");
  assertEquals(verdict(swap("", "x", 0, 1)), "illegal");
  assertEquals(verdict(swap(undefined, "x", 0, 1), get("x", 2, 3)), "ok");
});

Deno.test("checkHistory() rejects a read of a value that was overwritten before", () => {
  assertEquals(verdict(put("a", 0, 1), put("b", 2, 3), get("a", 4, 5)), "illegal");
  assertEquals(verdict(put("a", 0, 1), put("b", 2, 5), get("a", 4, 6)), "ok");
});

Deno.test("checkHistory() rejects a lost write and a value out of nowhere", () => {
  assertEquals(verdict(put("a", 0, 1), get(undefined, 2, 3)), "illegal");
  assertEquals(verdict(put("a", 0, 1), get("b", 2, 3)), "illegal");
  assertEquals(verdict(get("b", 0, 1), put("b", 2, 3)), "illegal");
  assertEquals(verdict(append("a", 0, 1), append("b", 2, 3), get("a", 4, 5)), "illegal");
});

Deno.test("checkHistory() rejects an append that took effect twice", () => {
  assertEquals(verdict(append("a", 0, 1), get("aa", 2, 3)), "illegal");
  assertEquals(verdict(maybeAppend("a", 0), get("aa", 2, 3)), "illegal");
  assertEquals(verdict(maybeAppend("a", 0), maybeAppend("a", 0), get("aa", 2, 3)), "ok");
});

Deno.test("checkHistory() orders concurrent appends as the reads saw them", () => {
  const appends = [append("a", 0, 9), append("b", 0, 9), append("c", 0, 9)];
  assertEquals(verdict(...appends, get("cab", 10, 11)), "ok");
  assertEquals(verdict(...appends, get("b", 3, 4), get("bca", 5, 6)), "ok");
  assertEquals(verdict(...appends, get("b", 3, 4), get("cba", 5, 6)), "illegal");
});

Deno.test("checkHistory() rejects reads that see concurrent writes in two orders", () => {
  const puts = [put("a", 0, 20), put("b", 0, 20)];
  assertEquals(verdict(...puts, get("a", 1, 2), get("b", 3, 4)), "ok");
  assertEquals(verdict(...puts, get("a", 1, 2), get("b", 3, 4), get("a", 5, 6)), "illegal");
});

Deno.test("checkHistory() lets one of two equal swaps win", () => {
  assertEquals(
    verdict(put("a", 0, 1), swap("a", "b", 2, 9), mismatch("a", "c", "b", 2, 9), get("b", 10, 11)),
    "ok",
  );
  assertEquals(verdict(put("a", 0, 1), swap("a", "b", 2, 9), swap("a", "c", 2, 9)), "illegal");
  assertEquals(verdict(swap(undefined, "b", 2, 9), swap(undefined, "c", 2, 9)), "illegal");
});

Deno.test("checkHistory() judges what a refused swap says it found", () => {
  assertEquals(verdict(put("a", 0, 1), mismatch("x", "y", "a", 2, 3)), "ok");
  assertEquals(verdict(put("a", 0, 1), mismatch("x", "y", "b", 2, 3)), "illegal");
  assertEquals(verdict(put("a", 0, 1), mismatch("a", "y", "a", 2, 3)), "illegal");
  assertEquals(verdict(mismatch("x", "y", undefined, 2, 3), get(undefined, 4, 5)), "ok");
});

Deno.test("checkHistory() lets a swap delete and expect nothing", () => {
  assertEquals(verdict(put("a", 0, 1), swap("a", undefined, 2, 3), get(undefined, 4, 5)), "ok");
  assertEquals(verdict(put("a", 0, 1), swap("a", undefined, 2, 3), get("a", 4, 5)), "illegal");
});

Deno.test("checkHistory() lets an unanswered write happen never, or late, but once", () => {
  assertEquals(verdict(maybePut("a", 0), get(undefined, 2, 3)), "ok");
  assertEquals(verdict(maybePut("a", 0), get(undefined, 2, 3), get("a", 4, 5)), "ok");
  assertEquals(verdict(maybePut("a", 0), put("b", 1, 2), get("a", 3, 4), get("a", 5, 6)), "ok");
  assertEquals(verdict(maybePut("a", 0), get("a", 2, 3), get(undefined, 4, 5)), "illegal");
  assertEquals(
    verdict(maybePut("a", 0), put("b", 1, 2), get("a", 3, 4), put("c", 5, 6), get("a", 7, 8)),
    "illegal",
  );
});

Deno.test("checkHistory() rejects an unanswered write that was seen before it was invoked", () => {
  assertEquals(verdict(get("a", 0, 1), maybePut("a", 2)), "illegal");
  assertEquals(verdict(get("a", 0, 2), maybePut("a", 2)), "ok");
});

Deno.test("checkHistory() finds the unanswered writes that a chain of reads needs", () => {
  const history = [
    maybeAppend("a", 0),
    maybeAppend("b", 0),
    maybePut("x", 0),
    get("b", 2, 3),
    get("ba", 4, 5),
    get("x", 6, 7),
  ];
  assertEquals(verdict(...history), "ok");
  assertEquals(verdict(...history, get("xa", 8, 9)), "illegal");
});

Deno.test("checkHistory() leaves out what surely had no effect", () => {
  assertEquals(
    verdict(unanswered({ op: "put", key: KEY, value: "a" }, 0, "failed"), get("a", 2, 3)),
    "illegal",
  );
  assertEquals(
    verdict(unanswered({ op: "get", key: KEY }, 0, "failed"), get(undefined, 2, 3)),
    "ok",
  );
});

Deno.test("checkHistory() takes operations that touch in time as concurrent", () => {
  assertEquals(verdict(put("a", 0, 5), get(undefined, 5, 6)), "ok");
  assertEquals(verdict(put("a", 0, 5), get(undefined, 6, 7)), "illegal");
  assertEquals(verdict(get("a", 5, 5), put("a", 5, 5)), "ok");
});

Deno.test("checkHistory() gives up as unknown when its budget is spent", () => {
  const history = [put("a", 0, 1), put("b", 2, 3), get("b", 4, 5)];
  assertEquals(checkHistory(registerModel, history, { stepsMax: 1 }).kind, "unknown");
  assertEquals(checkHistory(registerModel, history, { stepsMax: 10 }).kind, "ok");
});

Deno.test("checkHistory() refuses an operation that ends before it begins", () => {
  assertThrows(() => verdict(put("a", 5, 4)), RangeError, "from 5 to 4");
});

Deno.test("checkHistory() tells the longest order and what could not follow it", () => {
  const history = [put("a", 0, 1), put("b", 2, 3), get("a", 4, 5), get("b", 6, 7)];
  const result = checkHistory(registerModel, history, { stepsMax: STEPS_MAX });
  assertEquals(result.order, [0, 1]);
  assertEquals(result.states, ['"a"', '"b"']);
  assertEquals(result.stuck, 2);
  assertEquals(result.descriptions[2], 'get() gave "a"');
});

Deno.test("checkByKey() judges keys apart and names the one that fails", () => {
  const onKey = (key: string, operation: RegisterOperation): RegisterOperation => ({
    ...operation,
    input: { ...operation.input, key },
  });
  const sound = [onKey("x", put("a", 0, 1)), onKey("y", get(undefined, 2, 3))];
  assertEquals(checkByKey(registerModel, sound, { stepsMax: STEPS_MAX }).kind, "ok");
  const broken = [...sound, onKey("x", get("a", 4, 5)), onKey("y", get("a", 4, 5))];
  const result = checkByKey(registerModel, broken, { stepsMax: STEPS_MAX });
  assertEquals(result.kind, "illegal");
  assertEquals(result.failed.map(({ key }) => key), ["y"]);
  assertEquals(checkByKey(registerModel, broken, { stepsMax: 0 }).kind, "unknown");
});
