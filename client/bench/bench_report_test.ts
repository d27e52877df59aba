import { assert, assertEquals } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";
import { resultJson, resultText } from "./bench_report.ts";
import { Bench, type BenchLoad } from "./bench.ts";

const LOAD: BenchLoad = {
  requests: 5,
  durationMs: undefined,
  ratePerSecond: undefined,
  clients: 1,
  mode: "put",
  readRatio: 0.5,
  valueBytes: 10,
  keys: undefined,
};

Deno.test("a benchmark in which nothing succeeded shows no figures that were not measured", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  for (const address of [...cluster.servers.keys()]) cluster.stop(address);
  await using clerk = cluster.clerk({ timeoutMs: 1_000 });
  const bench = new Bench({ ...LOAD, clerk, clock, prng: createPrng(1) });
  const result = await clock.resolve(bench.run(), 60_000);
  const lines = resultText(LOAD, result).split("\n");
  assert(lines.includes("Throughput:        0.00 req/s"));
  const latencies = lines.filter((line) => line.includes("Latency:"));
  assertEquals(latencies.map((line) => line.replace(/^.*: +/, "")), Array(7).fill("-"));
  const { bench: { latencyMs } } = JSON.parse(resultJson(LOAD, result));
  assertEquals(new Set(Object.values(latencyMs)), new Set([null]));
});
