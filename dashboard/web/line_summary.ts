/** A line of a chart in four figures. */

export interface LineSummary {
  readonly now: number | null;
  readonly lowest: number | null;
  readonly mean: number | null;
  readonly highest: number | null;
}

/** All null if there is no value; `now` is null if the latest is missing. */
export function summarize(values: readonly (number | null)[]): LineSummary {
  let [count, sum, lowest, highest] = [0, 0, Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    count++;
    sum += value;
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  if (count === 0) return { now: null, lowest: null, mean: null, highest: null };
  return { now: values.at(-1) ?? null, lowest, mean: sum / count, highest };
}
