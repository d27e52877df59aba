/** Is there an order in which a sequential object would have given the same answers? */
import type { Operation } from "./history.ts";
import { ILLEGAL, type Model } from "./model.ts";
import { type SearchEnd, searchOrder } from "./search.ts";

export interface CheckOptions {
  /** Most steps of the model; a search that needs more ends as "unknown", which is no success. */
  readonly stepsMax: number;
}

export interface CheckResult<I, O> {
  readonly kind: "ok" | "illegal" | "unknown";
  readonly steps: number;
  /** What was judged, by invocation: without operations that surely had no effect. */
  readonly operations: readonly Operation<I, O>[];
  /**
   * The order found, as indexes of `operations`. If there is none: the longest
   * one that could be begun, by operations that surely happened.
   */
  readonly order: readonly number[];
  /** State after each operation of `order`, in words. */
  readonly states: readonly string[];
  /** The operation that must have come next and could not, as an index of `operations`. */
  readonly stuck: number | undefined;
  /** The operation and its answer in words, for each of `operations`. */
  readonly descriptions: readonly string[];
}

/**
 * Judges a history: "ok" if each operation can be given a moment between its
 * invocation and its return at which it took effect at once; an unacknowledged
 * write any moment after its invocation, or none.
 *
 * @throws {RangeError} When an operation returned before it was invoked
 */
export function checkHistory<S, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
  options: CheckOptions,
): CheckResult<I, O> {
  const byInvocation = (a: Operation<I, O>, b: Operation<I, O>) => a.invoke - b.invoke;
  const certain = operations.filter(({ outcome }) => outcome.kind === "ok").toSorted(byInvocation);
  const maybe = operations.filter(({ outcome }) => outcome.kind === "maybe").toSorted(byInvocation);
  for (const operation of certain) checkTimes(operation);
  const searched = [...certain, ...maybe];
  const { kind, steps, order } = searchAndExplain(model, searched, certain.length, options);
  const sorted = searched.map((_, i) => i).toSorted((a, b) =>
    byInvocation(at(searched, a), at(searched, b))
  );
  const positionOf = new Map(sorted.map((index, position) => [index, position]));
  const judged = sorted.map((index) => at(searched, index));
  const ordered = order.map((index) => positionOf.get(index) ?? 0);
  return {
    kind,
    steps,
    operations: judged,
    order: ordered,
    states: kind === "ok" ? [] : statesAlong(model, judged, ordered),
    stuck: kind === "ok" ? undefined : firstOpenReturn(judged, ordered),
    descriptions: kind === "ok"
      ? []
      : judged.map(({ input, outcome }) => model.describe(input, outcome)),
  };
}

/** Most steps for the sake of a better picture of what is known to be wrong. */
const PICTURE_STEPS_MAX = 50_000;

/**
 * A search with foresight stops early at what cannot end well; the order that
 * is shown goes on to the answer that is wrong.
 */
function searchAndExplain<S, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
  certain: number,
  { stepsMax }: CheckOptions,
): SearchEnd {
  const end = searchOrder(model, operations, certain, stepsMax);
  if (end.kind === "ok") return end;
  const plain = { ...model, lensFor: undefined };
  const blind = searchOrder(plain, operations, certain, Math.min(stepsMax, PICTURE_STEPS_MAX));
  return blind.left < end.left ? { ...end, order: blind.order } : end;
}

function at<T>(items: readonly T[], index: number): T {
  return items[index] as T;
}

function checkTimes<I, O>({ invoke, return: returned }: Operation<I, O>): void {
  if (Number.isInteger(invoke) && Number.isInteger(returned) && returned >= invoke) return;
  throw new RangeError(
    `Cannot judge an operation from ${invoke} to ${returned}: both must be integers, in order`,
  );
}

function statesAlong<S, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
  order: readonly number[],
): string[] {
  let state = model.init();
  return order.map((index) => {
    const { input, outcome } = at(operations, index);
    const next = model.step(state, input, outcome);
    if (next !== ILLEGAL) state = next;
    return model.describeState(state);
  });
}

/** Nothing that was invoked after its return can come before it: the order ends where it is missing. */
function firstOpenReturn<I, O>(
  operations: readonly Operation<I, O>[],
  order: readonly number[],
): number | undefined {
  const placed = new Set(order);
  let first: number | undefined;
  for (const [index, { outcome, return: returned }] of operations.entries()) {
    if (placed.has(index) || outcome.kind !== "ok") continue;
    if (first === undefined || returned < at(operations, first).return) first = index;
  }
  return first;
}
