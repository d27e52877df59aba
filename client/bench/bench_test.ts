import { assert, assertEquals } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";
import { Bench, type BenchLoad } from "./bench.ts";

const LOAD: BenchLoad = {
  requests: undefined,
  durationMs: undefined,
  ratePerSecond: undefined,
  clients: 4,
  mode: "put",
  readRatio: 0.5,
  valueBytes: 10,
  keys: 50,
};

function benchOn(clock: VirtualClock, cluster: FakeCluster, options: Partial<BenchLoad>): Bench {
  const clerk = cluster.clerk({ timeoutMs: 1_000 });
  return new Bench({ ...LOAD, ...options, clerk, clock, prng: createPrng(1) });
}

Deno.test("Bench reads as often as the ratio says", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  const reads = async (readRatio: number) => {
    const bench = benchOn(clock, cluster, { mode: "mixed", readRatio, requests: 1_000 });
    await clock.resolve(bench.load(), 10_000);
    const before = valuesOf(cluster);
    const { successful } = await clock.resolve(bench.run(), 60_000);
    assertEquals(successful, 1_000);
    return [...valuesOf(cluster)].filter(([key, value]) => before.get(key) === value).length;
  };
  assertEquals(await reads(1), 50, "reads change nothing");
  assertEquals(await reads(0), 0, "every key is written among 1,000 writes");
});

Deno.test("Bench scans pages that begin at any key", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  const bench = benchOn(clock, cluster, { mode: "scan", requests: 20 });
  await clock.resolve(bench.load(), 10_000);
  const { successful, failed } = await clock.resolve(bench.run(), 60_000);
  assertEquals([successful, failed], [20, 0]);
});

Deno.test("Bench at a fixed rate counts the time that requests had to wait for a free caller", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1, shards: 1 });
  const bench = benchOn(clock, cluster, { ratePerSecond: 100, durationMs: 1_000, clients: 1 });
  // All answers of the first half second are held back.
  cluster.group(100).delayMs = () => Math.max(0, 500 - clock.now());
  const { successful, failed, latencyMs, durationMs } = await clock.resolve(bench.run(), 60_000);
  assertEquals([successful, failed], [100, 0]);
  assert(durationMs >= 990, `The last request was due after 990 ms, the run took ${durationMs}`);
  // The one caller waits 500 ms for its first answer; 49 more were due by then.
  assert(latencyMs.p90 >= 390, `Of 100 requests 11 waited 390 ms or more: ${latencyMs.p90} ms`);
  assert(latencyMs.mean >= 120, `The mean must count the wait of each: ${latencyMs.mean} ms`);
});

Deno.test("Bench gives a dead cluster up, and counts what it did not send as failed", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  for (const address of cluster.servers.keys()) cluster.stop(address);
  const bench = benchOn(clock, cluster, { requests: 1_000 });
  const { successful, failed, durationMs } = await clock.resolve(bench.run(), 60_000);
  assertEquals([successful, failed], [0, 1_000]);
  assert(durationMs < 10_000, `It went on for ${durationMs} ms`);
});

function valuesOf(cluster: FakeCluster): Map<string, string> {
  return new Map(
    cluster.allShards().flatMap(({ data }) =>
      [...data].map(([key, value]) => [key, Buffer.from(value).toString("latin1")] as const)
    ),
  );
}
