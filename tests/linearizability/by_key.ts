/** Judges each key on its own: a history is linearizable if and only if its parts are. */
import { checkHistory, type CheckOptions, type CheckResult } from "./checker.ts";
import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";

export interface KeyResult<I, O> extends CheckResult<I, O> {
  readonly key: string;
}

export interface KeysResult<I, O> {
  /** "illegal" if any key is, else "unknown" if any key is. */
  readonly kind: CheckResult<I, O>["kind"];
  readonly steps: number;
  readonly keys: readonly KeyResult<I, O>[];
  /** The keys that are not "ok", illegal ones first. */
  readonly failed: readonly KeyResult<I, O>[];
}

/**
 * Judges a history of many independent objects. The budget is that of a key.
 *
 * @param model One object
 */
export function checkByKey<S, I extends { readonly key: string }, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
  options: CheckOptions,
): KeysResult<I, O> {
  const parts = Map.groupBy(operations, ({ input }) => input.key);
  const keys = [...parts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, part]) => ({
    key,
    ...checkHistory(model, part, options),
  }));
  const failed = [
    ...keys.filter(({ kind }) => kind === "illegal"),
    ...keys.filter(({ kind }) => kind === "unknown"),
  ];
  const steps = keys.reduce((sum, key) => sum + key.steps, 0);
  return { kind: failed[0]?.kind ?? "ok", steps, keys, failed };
}
