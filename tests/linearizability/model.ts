/** What a sequential object does: the yardstick of a history. */
import type { Operation, Outcome } from "./history.ts";

/** What {@linkcode Model.step} gives if the object cannot have answered so. */
export const ILLEGAL: unique symbol = Symbol("illegal");

/**
 * A sequential object. All functions are pure; states are values that nobody
 * changes once they are made.
 */
export interface Model<S, I, O> {
  init(): S;
  /** The state after the operation, or `illegal`. A "maybe" outcome fits any answer. */
  step(state: S, input: I, outcome: Outcome<O>): S | typeof ILLEGAL;
  equal(a: S, b: S): boolean;
  /** Whether the operation, by its answer, left the state as it was, whatever that was. */
  isRead(input: I, outcome: Outcome<O>): boolean;
  /** The operation and its answer in a few words. */
  describe(input: I, outcome: Outcome<O>): string;
  describeState(state: S): string;
  /** What the answers of a history can tell apart; without it, everything differs. */
  readonly lensFor?: ((operations: readonly Operation<I, O>[]) => Lens<S, I>) | undefined;
}

/**
 * Makes a search small: what no answer tells apart need not be tried apart.
 * Operations that returned before `since` have their places already.
 */
export interface Lens<S, I> {
  /** One state in place of all that the rest of the history cannot tell from it. */
  blur(state: S, since: number): S;
  /** Equal for operations that do the same to every state, if nobody saw their answers. */
  effectOf(input: I, since: number): string;
  /** False if what others saw shows that the operation cannot have led from one state to the other. */
  permits(index: number, before: S, after: S): boolean;
  /** The operation has got a place in the order, or has lost it again. */
  placed(index: number): void;
  unplaced(index: number): void;
}
