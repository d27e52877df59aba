/** What came of the turns: each contender beside the first. Pure. */
import { nameOf, threeDigits, withCommas } from "../comparison_table.ts";
import { markdownTable } from "../markdown_table.ts";
import { meanOf, median, type Point, type Sample } from "../measurement.ts";

/** The samples of one contender, one of each round. */
export interface Turns {
  readonly name: string;
  readonly samples: Sample[];
}

const MICROSECONDS = 1_000;

/**
 * A line for each contender. Ratios are taken within a round, where the machine
 * was the same for all, and their median counts; behind it the standard error
 * of their mean. Of the other figures, too, the medians of all rounds.
 */
export function turnsTable(point: Point, turns: readonly Turns[]): string {
  const first = turns[0]?.samples ?? [];
  const rows = turns.map(({ name, samples }) => {
    const ratio = (field: "perSecond" | "cpuSeconds") => {
      const ratios = samples.map((sample, i) => sample[field] / (first[i]?.[field] ?? NaN));
      return `${median(ratios).toFixed(2)} ± ${standardError(ratios).toFixed(2)}`;
    };
    const middle = (field: keyof Sample) => median(samples.map((sample) => sample[field]));
    return [
      name,
      withCommas(middle("perSecond")),
      ratio("perSecond"),
      threeDigits(middle("p50Ms")),
      threeDigits(middle("p99Ms")),
      threeDigits(middle("cpuSeconds") * MICROSECONDS),
      ratio("cpuSeconds"),
    ];
  });
  const header = [nameOf(point), "op/s", "ratio", "p50 ms", "p99 ms", "CPU us", "ratio"];
  return markdownTable(header, rows);
}

/** Of the mean: the deviation of one value by the root of their number. */
function standardError(values: readonly number[]): number {
  const mean = meanOf(values);
  const squares = values.map((value) => (value - mean) ** 2);
  return Math.sqrt(meanOf(squares) / (values.length - 1));
}
