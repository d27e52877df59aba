/** How the heat map turns a figure into one of seven steps, and what its scale ends with. */
import type { ShardView } from "../api.ts";

export const HEAT_METRICS = ["keys", "bytes", "ops"] as const;
export type HeatMetric = typeof HEAT_METRICS[number];

/** Step 0 is nothing at all; the others share the scale evenly. */
export const HEAT_STEPS = 6;

export function heatValue(shard: ShardView, metric: HeatMetric): number {
  switch (metric) {
    case "keys":
      return shard.keys;
    case "bytes":
      return shard.bytes;
    case "ops":
      return shard.opsPerSecond;
  }
}

/** The end of the scale: 1, 2 or 5 times a power of ten, so that it holds still while figures move. */
export function niceCeiling(value: number): number {
  if (!(value > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= value * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** The step of a value on a scale that ends at `ceiling`, 0 to {@linkcode HEAT_STEPS}. */
export function heatStep(value: number, ceiling: number): number {
  if (!(value > 0) || !(ceiling > 0)) return 0;
  return Math.min(HEAT_STEPS, Math.max(1, Math.ceil(value / ceiling * HEAT_STEPS)));
}
