/** What clients did and saw: the histories that a checker judges. */

/** How an operation ended, as far as its client can tell. */
export type Outcome<O> =
  /** It was acknowledged, with this answer. */
  | { readonly kind: "ok"; readonly output: O }
  /** A write nobody acknowledged: it took effect at any time after its invocation, or never. */
  | { readonly kind: "maybe" }
  /** It surely had no effect and told nothing. */
  | { readonly kind: "failed" };

/** When an operation began and ended, on its client's clock; only to be shown. */
export interface WallTimes {
  readonly invokeMs: number;
  /** Undefined if it never ended. */
  readonly returnMs: number | undefined;
}

/** One call of one client. */
export interface Operation<I, O> {
  readonly client: number;
  readonly input: I;
  readonly outcome: Outcome<O>;
  /** Position of the invocation in the order of events: an integer. */
  readonly invoke: number;
  /**
   * Position of the answer, at least `invoke`; ignored unless the outcome is
   * "ok". Equal positions say nothing about which event came first, so such
   * operations count as concurrent.
   */
  readonly return: number;
  readonly times?: WallTimes | undefined;
}
