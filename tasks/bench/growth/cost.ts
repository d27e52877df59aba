/** How a cost grows with the number of keys, and whether it may. Pure. */

/**
 * - `linear`: twice the keys may cost twice as much
 * - `constant`: keys must not count
 */
export type Law = "linear" | "constant";

/** One kind of cost, measured against several numbers of keys. */
export interface Cost {
  readonly name: string;
  readonly law: Law;
  /** One for each number of keys, in their order. */
  readonly values: readonly number[];
  /** Differences up to this say nothing: the noise of what it was measured with. */
  readonly slack: number;
  readonly show: (value: number) => string;
}

export interface Judgement {
  /** The last cost divided by the first. */
  readonly growth: number;
  readonly holds: boolean;
  /** For the table. */
  readonly verdict: string;
}

/** A step may cost this much more than its share before it counts as growth. */
const TOLERANCE = 1.5;

/** @param keys Numbers of keys, the lowest first; as many as there are values */
export function judge({ law, values, slack }: Cost, keys: readonly number[]): Judgement {
  const [first = NaN] = values;
  const last = values.at(-1) ?? NaN;
  const holds = values.every((value, i) => {
    if (i === 0) return true;
    // What is to stay the same is held against the smallest number of keys, not the one before.
    const from = law === "constant" ? 0 : i - 1;
    const share = law === "constant" ? 1 : (keys[i] ?? NaN) / (keys[from] ?? NaN);
    return value <= (values[from] ?? NaN) * share * TOLERANCE + slack;
  });
  return { growth: last / first, holds, verdict: verdictOf(law, holds) };
}

function verdictOf(law: Law, holds: boolean): string {
  if (law === "constant") return holds ? "does not grow with the keys" : "GROWS with the keys";
  return holds ? "no faster than the keys" : "FASTER than the keys";
}
