import { assertEquals } from "@std/assert";
import type { History } from "../api.ts";
import { SampleHistory } from "./sample_history.ts";
import { aNode, figures } from "./testdata/views.ts";

const node = (id: number, reads: number) =>
  aNode(100, id, { figures: figures({ readsPerSecond: reads }) });

function kept(times: readonly number[], reads: readonly (number | null)[]): History {
  const none = reads.map(() => null);
  return {
    times,
    series: [{
      gid: 100,
      id: 0,
      readsPerSecond: reads,
      writesPerSecond: none,
      writeP99Ms: none,
      readP99Ms: none,
      fsyncP99Ms: none,
      applyLag: none,
      memoryBytes: none,
    }],
  };
}

Deno.test("SampleHistory joins what the server kept with what came live", () => {
  const history = new SampleHistory();
  history.append(30, [node(0, 3)]);
  history.append(40, [node(0, 4)]);
  history.load(kept([10, 20, 30], [1, 2, 33]));
  assertEquals(history.times, [10, 20, 30, 40]);
  assertEquals(history.column("100-0", "readsPerSecond"), [1, 2, 33, 4]);
});

Deno.test("SampleHistory has gaps where a node did not answer or was not there", () => {
  const history = new SampleHistory();
  history.append(1, [node(0, 5)]);
  history.append(2, [aNode(100, 0, { healthy: false, figures: figures({}) }), node(1, 7)]);
  history.append(3, [node(0, 6), node(1, 8)]);
  assertEquals(history.column("100-0", "readsPerSecond"), [5, null, 6]);
  assertEquals(history.column("100-1", "readsPerSecond"), [null, 7, 8]);
  assertEquals(history.column("101-0", "readsPerSecond"), undefined);
});

Deno.test("SampleHistory.sum() adds what there is and is null where there is nothing", () => {
  const history = new SampleHistory();
  history.append(1, [aNode(100, 0), node(1, 7)]);
  history.append(2, [node(0, 1), node(1, 8)]);
  history.append(3, [aNode(100, 0), aNode(100, 1)]);
  assertEquals(history.sum(["100-0", "100-1", "100-2"], "readsPerSecond"), [7, 9, null]);
  assertEquals(history.sum([], "readsPerSecond"), [null, null, null]);
});

Deno.test("SampleHistory passes over samples that are not later", () => {
  const history = new SampleHistory();
  history.append(5, [node(0, 1)]);
  history.append(5, [node(0, 2)]);
  history.append(4, [node(0, 3)]);
  assertEquals(history.times, [5]);
});

Deno.test("SampleHistory is bounded, and forgets nodes that are long gone", () => {
  const history = new SampleHistory(3);
  history.append(1, [node(0, 1), node(1, 1)]);
  for (const time of [2, 3, 4, 5]) history.append(time, [node(1, time)]);
  assertEquals(history.times, [3, 4, 5]);
  assertEquals(history.column("100-0", "readsPerSecond"), undefined);
  assertEquals(history.column("100-1", "readsPerSecond"), [3, 4, 5]);
  history.load(kept([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]));
  assertEquals(history.column("100-0", "readsPerSecond"), [4, 5, 6]);
});
