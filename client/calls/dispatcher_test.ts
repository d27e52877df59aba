/** What becomes of a clerk's calls when the cluster changes, or callers give up. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { KvError } from "../../rpc/errors.ts";
import { sleep } from "../../runtime/clock.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import { FakeCluster, type FakeClusterOptions } from "../testing/fake_cluster.ts";

function start(options: Omit<FakeClusterOptions, "clock"> = {}) {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, ...options });
  return { clock, cluster, clerk: cluster.clerk() };
}

/** A key of the group's, of another shard than `not`. */
function keyOf(cluster: FakeCluster, gid: Gid, not?: string): string {
  const taken = not === undefined ? undefined : cluster.shardOf(not);
  for (let i = 0;; i++) {
    const key = `k${i}`;
    if (cluster.groupOf(key).gid === gid && cluster.shardOf(key) !== taken) return key;
  }
}

/** The next configuration, of these groups alone. */
function changeGroups(cluster: FakeCluster, gids: readonly Gid[]): void {
  for (let shard = 0; shard < cluster.config.shards.length; shard++) {
    cluster.move(shard, gids[shard % gids.length] ?? 0);
  }
  const groups = gids.map((gid) => [gid, cluster.group(gid).addresses] as const);
  cluster.config = { ...cluster.config, groups: new Map(groups) };
}

Deno.test("a clerk leaves the servers of a group that is gone, and finds it when it is back", async () => {
  const { clock, cluster, clerk } = start({ replicas: 1 });
  await clock.resolve(clerk.putMany([["a", "1"], ["b", "1"], ["c", "1"]]), 1_000);
  assertEquals([...cluster.group(101).streams.keys()], ["101-0"]);
  changeGroups(cluster, [100]);
  await clock.resolve(clerk.putMany([["a", "2"], ["b", "2"], ["c", "2"]]), 1_000);
  assertEquals(cluster.group(101).streams.size, 0, "nothing is left open there");
  changeGroups(cluster, [100, 101]);
  const key = keyOf(cluster, 101);
  await clock.resolve(clerk.put(key, "3"), 1_000);
  await clock.resolve(clerk.close(), 1);
});

Deno.test("a clerk finds a group whose servers have all been replaced", async () => {
  const { clock, cluster, clerk } = start({ groups: 1 });
  await clock.resolve(clerk.put("k", "1"), 1_000);
  const group = cluster.group(100);
  for (const address of group.addresses) cluster.stop(address);
  const servers = ["100-7", "100-8", "100-9"];
  for (const address of servers) cluster.start(address);
  group.leader = "100-8";
  const groups = new Map([[100, servers]]);
  cluster.config = { ...cluster.config, num: cluster.config.num + 1, groups };
  await clock.resolve(clerk.put("k", "2"), 1_000);
  await clock.resolve(clerk.close(), 1);
});

Deno.test("a clerk leaves a server that is no longer its group's", async () => {
  const { clock, cluster, clerk } = start();
  const group = cluster.group(100);
  const [kept, moved] = [keyOf(cluster, 100), keyOf(cluster, 101)];
  await clock.resolve(clerk.put(kept, "1"), 1_000);
  const groups = new Map(cluster.config.groups).set(100, ["100-1", "100-2"]);
  cluster.config = { ...cluster.config, groups };
  group.leader = "100-1";
  group.fault = (address) => address === "100-0" ? "hang" : "none";
  // The next configuration reaches the clerk by another group.
  cluster.move(cluster.shardOf(moved), 100);
  await clock.resolve(clerk.put(moved, "1"), 1_000);
  assertEquals([...group.streams.keys()], ["100-1"]);
  await clock.resolve(clerk.close(), 1);
});

Deno.test("a clerk leaves a server alone for a while that has answered nothing", async () => {
  const { clock, cluster, clerk } = start({ groups: 1 });
  const group = cluster.group(100);
  group.fault = (address) => address === "100-0" ? "hang" : "none";
  const put = clerk.put("k", "v");
  // All say that it leads, as it did until then.
  await clock.advance(3_000);
  group.leader = "100-1";
  await clock.resolve(put, 300);
  await clock.resolve(clerk.close(), 1);
});

Deno.test("a clerk asks a server at once that was restarted while nothing was under way", async () => {
  const { clock, cluster, clerk } = start({ groups: 1, replicas: 1 });
  await clock.resolve(clerk.put("k", "1"), 1_000);
  cluster.stop("100-0");
  await clock.advance(1_000);
  cluster.start("100-0");
  const before = clock.now();
  await clock.resolve(clerk.put("k", "2"), 1_000);
  assert(clock.now() - before <= 10, `it took ${clock.now() - before} ms`);
  assertEquals(cluster.queries, 1);
  await clock.resolve(clerk.close(), 1);
});

Deno.test("a write that waits for its shard holds up no session", async () => {
  const { clock, cluster, clerk } = start({ groups: 1 });
  const stuck = keyOf(cluster, 100);
  const other = keyOf(cluster, 100, stuck);
  const group = cluster.group(100);
  group.arriving.add(cluster.shardOf(stuck));
  const waiting = assertRejects(() => clerk.put(stuck, "v"), KvError);
  await clock.advance(100);
  for (let i = 0; i < 10; i++) await clock.resolve(clerk.put(other, "v"), 1_000);
  const [session] = [...group.shards.get(cluster.shardOf(other))?.sessions.values() ?? []];
  assertEquals(session?.replies.size, 1, "the group has to remember the last reply only");
  await clock.resolve(clerk.close(), 1);
  await waiting;
});

Deno.test("a clerk asks ever more seldom for a shard that its group does not have", async () => {
  const { clock, cluster, clerk } = start({ groups: 1 });
  cluster.beforeQuery = () => sleep(clock, 1);
  cluster.group(100).shards.delete(cluster.shardOf("k"));
  const put = assertRejects(() => clerk.put("k", "v", { timeoutMs: 10_000 }), KvError);
  await clock.advance(10_000);
  assertEquals((await put).maybe, false, "it was refused each time");
  const { batches } = cluster.group(100);
  assert(batches > 20 && batches < 60, `it asked ${batches} times`);
  await clock.resolve(clerk.close(), 1);
});

Deno.test("a clerk asks ever more seldom for a shard that is handed over for long", async () => {
  const { clock, cluster, clerk } = start();
  const shard = cluster.shardOf("k");
  const { gid } = cluster.groupOf("k");
  const other = cluster.group(gid === 100 ? 101 : 100);
  const { addresses } = cluster.group(gid);
  other.places.set(shard, { shard, gid, servers: [...addresses] });
  cluster.group(gid).shards.delete(shard);
  cluster.group(gid).arriving.add(shard);
  cluster.group(gid).places.set(shard, { shard, gid: other.gid, servers: [...other.addresses] });
  const put = assertRejects(() => clerk.put("k", "v", { timeoutMs: 10_000 }), KvError);
  await clock.advance(10_000);
  await put;
  const { batches } = cluster.group(gid);
  assert(batches > 20 && batches < 80, `it asked ${batches} times`);
  await clock.resolve(clerk.close(), 1);
});

Deno.test("a clerk does not run in circles after groups that name one another", async () => {
  const { clock, cluster, clerk } = start({ groups: 3 });
  const shard = cluster.shardOf("k");
  const owner = cluster.groupOf("k").gid;
  const [a = 0, b = 0] = [100, 101, 102].filter((gid) => gid !== owner);
  for (const [gid, named] of [[owner, a], [a, b], [b, a]] as const) {
    const group = cluster.group(gid);
    group.shards.delete(shard);
    group.arriving.add(shard);
    group.places.set(shard, { shard, gid: named, servers: [...cluster.group(named).addresses] });
    group.delayMs = () => 1;
  }
  const put = assertRejects(() => clerk.put("k", "v", { timeoutMs: 1_000 }), KvError);
  await clock.advance(1_000);
  await put;
  const batches = [...cluster.groups.values()].reduce((sum, group) => sum + group.batches, 0);
  assert(batches < 200, `it asked ${batches} times`);
  await clock.resolve(clerk.close(), 1);
});

Deno.test("a call that was given up before it was sent is never sent", async () => {
  const { clock, cluster, clerk } = start({ groups: 1 });
  const group = cluster.group(100);
  group.delayMs = () => 100;
  const first = clerk.put("a", "v");
  await clock.advance(1);
  const second = assertRejects(() => clerk.put("b", "v", { timeoutMs: 50 }), KvError);
  await clock.advance(50);
  const { message, maybe } = await second;
  assertEquals([message, maybe], [
    "Cannot put key 'b' within 50 ms: it was never sent; the write did not happen",
    false,
  ]);
  await clock.resolve(first, 1_000);
  await clock.advance(1_000);
  assertEquals(group.commands, 1);
  await clock.resolve(clerk.close(), 1);
});

for (const then of ["notLeader", "refused"] as const) {
  Deno.test(`a write whose answer got lost may have happened, though it meets ${then} later`, async () => {
    const { clock, cluster, clerk } = start({ groups: 1 });
    const group = cluster.group(100);
    group.fault = () => group.batches === 1 ? "loseResponse" : then;
    const put = assertRejects(() => clerk.put("k", "v", { timeoutMs: 500 }), KvError);
    await clock.advance(500);
    const { code, maybe } = await put;
    assertEquals([code, maybe], [then === "refused" ? "REFUSED" : "DEADLINE_EXCEEDED", true]);
    const never = assertRejects(() => clerk.put("k", "v", { timeoutMs: 500 }), KvError);
    await clock.advance(500);
    assertEquals((await never).maybe, false, "nothing got lost");
    await clock.resolve(clerk.close(), 1);
  });
}

Deno.test("a signal that is aborted later does no harm to calls that have ended", async () => {
  const { clock, cluster, clerk } = start({ groups: 1 });
  const { signal, abort } = abortable();
  await clock.resolve(clerk.put("a", "v", { signal }), 1_000);
  cluster.group(100).delayMs = () => 10;
  const other = clerk.put("b", "v");
  const given = assertRejects(() => clerk.put("c", "v", { signal }), KvError);
  abort();
  assertEquals((await given).code, "CANCELLED");
  await clock.resolve(other, 1_000);
  await clock.resolve(clerk.close(), 1);
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

Deno.test("KvClerk.close() leaves no timer and no stream behind, whatever its calls wait for", async () => {
  const { clock, cluster } = start({ groups: 3, replicas: 1 });
  const clerk = cluster.clerk({ ownsDialer: false });
  const [hung, refused, arriving] = [100, 101, 102].map((gid) => keyOf(cluster, gid));
  cluster.group(100).fault = () => "hang";
  cluster.group(101).fault = () => "notLeader";
  cluster.group(102).arriving.add(cluster.shardOf(arriving ?? ""));
  const calls = [hung, refused, arriving].map((key) =>
    assertRejects(() => clerk.put(key ?? "", "v"), KvError, "the clerk is closed")
  );
  await clock.advance(200);
  await clerk.close();
  await Promise.all(calls);
  await clock.advance(0);
  assertEquals(clock.pending, 0);
  assertEquals([...cluster.groups.values()].map(({ streams }) => streams.size), [0, 0, 0]);
});

Deno.test("KvClerk.close() leaves no timer behind when the controllers answer too late", async () => {
  const { clock, cluster, clerk } = start();
  const { promise, reject } = Promise.withResolvers<void>();
  cluster.beforeQuery = () => promise;
  const put = assertRejects(() => clerk.put("k", "v"), KvError, "the clerk is closed");
  await clerk.close();
  await put;
  reject(new KvError("UNAVAILABLE", "No controller answers"));
  await clock.advance(0);
  assertEquals(clock.pending, 0);
});
