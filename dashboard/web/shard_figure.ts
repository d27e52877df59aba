/** A shard's figure as text. */
import type { HeatMetric } from "./heat.ts";
import { format } from "./page_state.ts";

export function showFigure(value: number, metric: HeatMetric): string {
  const shown = format.value;
  switch (metric) {
    case "keys":
      return shown.count(value);
    case "bytes":
      return shown.bytes(value);
    case "ops":
      return shown.rate(value);
  }
}
