import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KvError } from "../../rpc/errors.ts";
import { sleep, systemClock, TIMER_MS_MAX } from "../../runtime/clock.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { CALL_TIMEOUT_MS_MAX, type KvClerk, type ScanOptions } from "../kv_clerk.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";
import { prefixEnd } from "./scan.ts";

async function keysOf(clerk: KvClerk, options?: ScanOptions): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of clerk.scan(options)) keys.push(new TextDecoder().decode(key));
  return keys;
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `k${String(i).padStart(5, "0")}`);
}

Deno.test("prefixEnd() is the first key after all that begin with the prefix", () => {
  const byte = fc.constantFrom(0, 1, 0x7f, 0xfe, 0xff);
  const bytes = fc.array(byte, { maxLength: 4 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(bytes, bytes, (prefix, key) => {
      const end = prefixEnd(prefix);
      const inRange = Buffer.compare(key, prefix) >= 0 &&
        (end.length === 0 || Buffer.compare(key, end) < 0);
      assertEquals(inRange, key.subarray(0, prefix.length).equals(prefix));
    }),
    { seed: 1, numRuns: 1_000 },
  );
});

Deno.test("KvClerk.scan() gives all keys of all groups in order, over many pages", async () => {
  const cluster = new FakeCluster({ clock: systemClock });
  for (const group of cluster.groups.values()) group.pageKeysMax = 7;
  await using clerk = cluster.clerk();
  const keys = numbered(500);
  await clerk.putMany(keys.map((key) => [key, `value of ${key}`]));
  assertEquals(await keysOf(clerk), keys);
  for await (const { key, value } of clerk.scan({ limit: 3 })) {
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(value), `value of ${decoder.decode(key)}`);
  }
});

Deno.test("KvClerk.scan() keeps to its prefix, its range and its limit", async () => {
  await using clerk = new FakeCluster({ clock: systemClock }).clerk();
  const keys = numbered(100);
  await clerk.putMany(keys.map((key) => [key, "v"]));
  assertEquals(await keysOf(clerk, { prefix: "k0001" }), keys.slice(10, 20));
  assertEquals(await keysOf(clerk, { start: "k00005", end: "k00008" }), keys.slice(5, 8));
  assertEquals(await keysOf(clerk, { limit: 12 }), keys.slice(0, 12));
  assertEquals(await keysOf(clerk, { prefix: "none" }), []);
  for await (const { value } of clerk.scan({ keysOnly: true })) assertEquals(value.length, 0);
});

Deno.test("KvClerk.scan() refuses nonsense at once", async () => {
  await using clerk = new FakeCluster({ clock: systemClock }).clerk();
  assertThrows(() => clerk.scan({ prefix: "a", end: "b" }), TypeError, "'prefix'");
  assertThrows(() => clerk.scan({ limit: 0 }), RangeError, "'limit' 0");
  assertThrows(() => clerk.scan({ limit: 1.5 }), RangeError, "'limit' 1.5");
  assertThrows(() => clerk.scan({ start: "k".repeat(4_097) }), RangeError, "4097 bytes");
});

Deno.test("KvClerk.scan() gives every key once while shards move under it", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  for (const group of cluster.groups.values()) group.pageKeysMax = 5;
  await using clerk = cluster.clerk();
  const keys = numbered(300);
  await clock.resolve(clerk.putMany(keys.map((key) => [key, "v"])), 1_000);
  const scanned: string[] = [];
  const scan = async () => {
    for await (const { key } of clerk.scan()) {
      scanned.push(new TextDecoder().decode(key));
      if (scanned.length % 20 !== 0) continue;
      const shard = scanned.length / 20 % 10;
      cluster.move(shard, cluster.config.shards[shard] === 100 ? 101 : 100);
    }
  };
  await clock.resolve(scan(), 10_000);
  assertEquals(scanned, keys);
  assert(cluster.queries > 5);
});

Deno.test("KvClerk.scan() goes to the leader", async () => {
  const cluster = new FakeCluster({ clock: systemClock });
  for (const group of cluster.groups.values()) group.leader = `${group.gid}-2`;
  await using clerk = cluster.clerk();
  await clerk.put("k", "v");
  assertEquals(await keysOf(clerk), ["k"]);
});

Deno.test("KvClerk.scan() gives up on shards that nobody serves, and with the clerk", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  cluster.config = { ...cluster.config, shards: cluster.config.shards.map(() => 0) };
  const clerk = cluster.clerk({ timeoutMs: 1_000 });
  const scan = assertRejects(() => keysOf(clerk), KvError, "served by no group for 1000 ms");
  await clock.advance(2_000);
  await scan;
  const second = assertRejects(() => keysOf(clerk), KvError);
  await clock.advance(100);
  await clerk.close();
  await clock.advance(100);
  assertEquals((await second).code, "CANCELLED");
});

Deno.test("KvClerk.scan() keeps its own time and signal while the controllers do not answer", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  cluster.beforeQuery = () => new Promise(() => {});
  await using clerk = cluster.clerk();
  // Another call asked first, and waits for ten seconds.
  const other = assertRejects(() => clerk.get("k", { timeoutMs: 20_000 }), KvError);
  const start = clock.now();
  const short = assertRejects(() => keysOf(clerk, { timeoutMs: 500 }), KvError, "within 500 ms");
  assertEquals((await clock.resolve(short, 5_000)).code, "DEADLINE_EXCEEDED");
  assert(clock.now() - start < 600);
  const abort = new AbortController();
  const aborted = assertRejects(() => keysOf(clerk, { signal: abort.signal }), KvError);
  await clock.advance(100);
  abort.abort();
  assertEquals((await clock.resolve(aborted, 1)).code, "CANCELLED");
  await clerk.close();
  await clock.resolve(other, 1);
});

Deno.test("KvClerk.scan() may take as long as any call, and sets no timer that is longer", async () => {
  const clock = new VirtualClock();
  const delays: number[] = [];
  const setTimer = clock.setTimer.bind(clock);
  clock.setTimer = (callback, delayMs) => {
    delays.push(delayMs);
    return setTimer(callback, delayMs);
  };
  await using clerk = new FakeCluster({ clock }).clerk();
  await clock.resolve(keysOf(clerk, { timeoutMs: CALL_TIMEOUT_MS_MAX }), 1_000);
  assertEquals(Math.max(...delays), TIMER_MS_MAX);
});

Deno.test("KvClerk.scan() asks the controllers again until its time is up", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  await using clerk = cluster.clerk();
  const up = clock.now() + 15_000;
  cluster.beforeQuery = async () => {
    if (clock.now() >= up) return;
    await sleep(clock, 5_000);
    throw new KvError("UNAVAILABLE", "Cannot finish query: nobody is there");
  };
  assertEquals(await clock.resolve(keysOf(clerk, { timeoutMs: 30_000 }), 30_000), []);
  assert(cluster.queries > 3);
});

Deno.test("KvClerk.scan() gives each page its time, not all of them together", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  for (const group of cluster.groups.values()) group.pageKeysMax = 5;
  await using clerk = cluster.clerk({ timeoutMs: 1_000 });
  const keys = numbered(100);
  await clock.resolve(clerk.putMany(keys.map((key) => [key, "v"])), 1_000);
  const scanned: string[] = [];
  const scan = async () => {
    for await (const { key } of clerk.scan()) {
      scanned.push(new TextDecoder().decode(key));
      if (scanned.length % 20 !== 0) continue;
      await sleep(clock, 600);
      cluster.move(0, cluster.config.shards[0] === 100 ? 101 : 100);
    }
  };
  await clock.resolve(scan(), 10_000);
  assertEquals(scanned, keys);
});

Deno.test("KvClerk.scan() asks for no more than it was told to give", async () => {
  const cluster = new FakeCluster({ clock: systemClock });
  await using clerk = cluster.clerk();
  await clerk.putMany(numbered(100).map((key) => [key, "v"]));
  assertEquals(await keysOf(clerk, { limit: 3 }), numbered(3));
  assertEquals([...cluster.groups.values()].map(({ scanned }) => scanned), [3, 3]);
});

Deno.test("KvClerk.scan() looks again where a shard is that its group is still waiting for", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  await using clerk = cluster.clerk();
  await clock.resolve(clerk.put("k", "v"), 1_000);
  const { gid, arriving } = cluster.groupOf("k");
  arriving.add(cluster.shardOf("k"));
  const scan = keysOf(clerk);
  await clock.advance(1_000);
  cluster.move(cluster.shardOf("k"), gid === 100 ? 101 : 100);
  assertEquals(await clock.resolve(scan, 1_000), ["k"]);
});

Deno.test("KvClerk.scan() does not go on for ever with a group that sends empty pages", async () => {
  const cluster = new FakeCluster({ clock: systemClock });
  await using clerk = cluster.clerk();
  await clerk.put("k", "v");
  cluster.groupOf("k").pageKeysMax = 0;
  await assertRejects(() => keysOf(clerk), KvError, "an empty page");
});

Deno.test("KvClerk.scan() leaves no timer behind", async () => {
  const clock = new VirtualClock();
  await using clerk = new FakeCluster({ clock }).clerk();
  assertEquals(await clock.resolve(keysOf(clerk), 1_000), []);
  assertEquals(clock.pending, 0);
});
