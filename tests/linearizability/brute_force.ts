/** The definition of linearizability, tried out on every order: slow, and too simple to be wrong. */
import type { Operation } from "./history.ts";
import { ILLEGAL, type Model } from "./model.ts";

/** Judges a tiny history by all orders of all choices of "maybe" operations. */
export function isLinearizableByForce<S, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
): boolean {
  const certain = operations.filter(({ outcome }) => outcome.kind === "ok");
  const maybe = operations.filter(({ outcome }) => outcome.kind === "maybe");
  for (let chosen = 0; chosen < 2 ** maybe.length; chosen++) {
    const happened = [...certain, ...maybe.filter((_, i) => (chosen >> i) % 2 === 1)];
    for (const order of ordersOf(happened)) {
      if (respectsTime(order) && isPossible(model, order)) return true;
    }
  }
  return false;
}

function* ordersOf<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [i, first] of items.entries()) {
    for (const rest of ordersOf(items.toSpliced(i, 1))) yield [first, ...rest];
  }
}

function respectsTime<I, O>(order: readonly Operation<I, O>[]): boolean {
  return order.every((later, i) =>
    order.slice(i + 1).every((earlier) =>
      // What stands later in the order must not have ended before.
      earlier.outcome.kind !== "ok" || earlier.return >= later.invoke
    )
  );
}

function isPossible<S, I, O>(
  model: Model<S, I, O>,
  order: readonly Operation<I, O>[],
): boolean {
  let state = model.init();
  for (const { input, outcome } of order) {
    const next = model.step(state, input, outcome);
    if (next === ILLEGAL) return false;
    state = next;
  }
  return true;
}
