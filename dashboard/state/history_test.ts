import { assertEquals } from "@std/assert";
import { buildState } from "./cluster_state.ts";
import { SampleHistory } from "./history.ts";
import { intervalBetween } from "./metrics_interval.ts";
import { counts, node, NOW, observation } from "./state_testing.ts";

Deno.test("SampleHistory keeps the newest samples of the servers that are there, with gaps where they were not", () => {
  const history = new SampleHistory(3);
  const add = (at: number, rates: readonly (number | null)[]) => {
    const nodes = rates.map((rate, id) => {
      const after = counts({ uptimeMs: 1_000, writes: rate ?? 0, applyLag: id });
      const interval = intervalBetween(counts({}), after);
      return node(1, id, {}, { interval, isUp: rate !== null });
    });
    history.add(buildState(observation({ nodes, at: NOW + at }), undefined));
  };
  assertEquals(history.view, { times: [], series: [] });
  add(0, [1]);
  add(1, [2]);
  add(2, [3, 30]);
  add(3, [null, 40]);
  const { times, series } = history.view;
  assertEquals(times, [NOW + 1, NOW + 2, NOW + 3]);
  assertEquals(series.map(({ id, writesPerSecond }) => [id, writesPerSecond]), [
    [0, [2, 3, null]],
    [1, [null, 30, 40]],
  ]);
  assertEquals(series[1]?.applyLag, [null, 1, 1]);
  assertEquals(series[1]?.writeP99Ms, [null, null, null]);
});
