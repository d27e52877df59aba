import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { WriteBatch } from "../proto/gen/shardkv.ts";
import { KvError } from "../rpc/errors.ts";
import { systemClock } from "../runtime/clock.ts";
import { createPrng } from "../runtime/prng.ts";
import { VirtualClock } from "../runtime/virtual_clock.ts";
import { FakeCluster } from "./testing/fake_cluster.ts";
import type { FakeGroup, Fault } from "./testing/fake_group.ts";

const text = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

/** A key of the group's. */
function keyOf(cluster: FakeCluster, gid: number): string {
  for (let i = 0;; i++) if (cluster.groupOf(`k${i}`).gid === gid) return `k${i}`;
}

/** Under which numbers writes come to the group, one a batch; the first meets the fault. */
function watchNumbers(group: FakeGroup, first: Fault = "none") {
  const sent: { number: number; lowest: number }[] = [];
  group.fault = (_, { writes }) => {
    const { commands, lowestUnanswered: lowest } = WriteBatch.decode(writes);
    return sent.push({ number: commands[0]?.sequence ?? 0, lowest }) === 1 ? first : "none";
  };
  return sent;
}

Deno.test("KvClerk puts, gets, appends and deletes", async () => {
  await using clerk = new FakeCluster({ clock: systemClock }).clerk();
  assertEquals(await clerk.get("k"), undefined);
  await clerk.put("k", "a");
  await clerk.append("k", "b");
  assertEquals(text(await clerk.get("k")), "ab");
  assertEquals(await clerk.delete("k"), true);
  assertEquals(await clerk.delete("k"), false);
  assertEquals(await clerk.get("k"), undefined);
});

Deno.test("KvClerk takes any bytes as keys and values, the empty value too", async () => {
  await using clerk = new FakeCluster({ clock: systemClock }).clerk();
  const key = new Uint8Array([0, 255, 128]);
  await clerk.put(key, new Uint8Array());
  const value = await clerk.get(key);
  assertEquals(value, new Uint8Array());
  assert(value?.constructor === Uint8Array);
});

Deno.test("KvClerk sends what the arguments were at the call, not what became of them", async () => {
  await using clerk = new FakeCluster({ clock: systemClock }).clerk();
  const value = new Uint8Array([1]);
  const put = clerk.put("k", value);
  value[0] = 2;
  await put;
  assertEquals(await clerk.get("k"), new Uint8Array([1]));
});

Deno.test("KvClerk.cas() swaps on a match and shows the current value otherwise", async () => {
  await using clerk = new FakeCluster({ clock: systemClock }).clerk();
  assertEquals(await clerk.cas("k", { expected: "a", value: "b" }), {
    swapped: false,
    current: undefined,
  });
  assertEquals((await clerk.cas("k", { expected: undefined, value: "a" })).swapped, true);
  const second = await clerk.cas("k", { expected: undefined, value: "b" });
  assertEquals([second.swapped, text(second.current)], [false, "a"]);
  assertEquals((await clerk.cas("k", { expected: "a", value: undefined })).swapped, true);
  assertEquals(await clerk.get("k"), undefined);
});

Deno.test("KvClerk refuses keys and values that are too large, with their sizes", async () => {
  await using clerk = new FakeCluster({ clock: systemClock }).clerk();
  const large = new Uint8Array(1_048_577);
  await assertRejects(() => clerk.get(""), RangeError, "a key of 0 bytes");
  await assertRejects(() => clerk.get("k".repeat(4_097)), RangeError, "a key of 4097 bytes");
  await assertRejects(() => clerk.put("k", large), RangeError, "a value of 1048577 bytes");
  await assertRejects(() => clerk.get("k", { timeoutMs: 0 }), RangeError, "'timeoutMs' 0");
  await clerk.put("k".repeat(4_096), large.subarray(1));
});

Deno.test("KvClerk.getMany() and putMany() keep the order, and the last of equal keys wins", async () => {
  const cluster = new FakeCluster({ clock: systemClock });
  await using clerk = cluster.clerk();
  const entries = Array.from({ length: 10_000 }, (_, i) => [`k${i}`, `v${i}`] as const);
  await clerk.putMany([["k7", "first"], ...entries]);
  const values = await clerk.getMany([...entries.map(([key]) => key), "none"]);
  assertEquals(values.map(text), [...entries.map(([, value]) => value), undefined]);
  await clerk.putMany([]);
  assertEquals(await clerk.getMany([]), []);
});

Deno.test("KvClerk.putMany() takes keys that are no UTF-8 for what they are", async () => {
  await using clerk = new FakeCluster({ clock: systemClock }).clerk();
  const keys = [0xfe, 0xff].map((byte) => new Uint8Array([byte]));
  await clerk.putMany(keys.map((key) => [key, key]));
  assertEquals(await clerk.getMany(keys), keys);
});

Deno.test("KvClerk sends concurrent calls in few batches", async () => {
  const cluster = new FakeCluster({ clock: systemClock, groups: 1 });
  await using clerk = cluster.clerk();
  await clerk.put("warm", "");
  const before = cluster.group(100).batches;
  await Promise.all(Array.from({ length: 512 }, (_, i) => clerk.put(`k${i}`, "v")));
  assertEquals(cluster.group(100).batches - before, 1);
});

Deno.test("KvClerk splits batches by bytes", async () => {
  const cluster = new FakeCluster({ clock: systemClock, groups: 1 });
  await using clerk = cluster.clerk();
  await clerk.put("warm", "");
  const value = new Uint8Array(600_000);
  await Promise.all([1, 2, 3].map((i) => clerk.put(`k${i}`, value)));
  assertEquals(cluster.group(100).batches, 4);
});

Deno.test("KvClerk asks for large values in batches whose answers fit", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1 });
  await using clerk = cluster.clerk();
  const value = new Uint8Array(500_000);
  const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
  await clock.resolve(clerk.putMany(keys.map((key) => [key, value])), 1_000);
  const before = cluster.group(100).commands;
  const values = await clock.resolve(clerk.getMany(keys), 1_000);
  assert(values.every((each) => each?.length === value.length));
  assert(cluster.group(100).commands - before < 300, `${cluster.group(100).commands - before}`);
});

Deno.test("KvClerk follows the hint to the leader and stays with it", async () => {
  const cluster = new FakeCluster({ clock: systemClock, groups: 1 });
  cluster.group(100).leader = "100-2";
  await using clerk = cluster.clerk();
  await clerk.put("k", "v");
  assertEquals(cluster.group(100).batches, 2);
  await clerk.put("k", "w");
  assertEquals(cluster.group(100).batches, 3);
});

Deno.test("KvClerk finds the leader without hints, and past a dead server that all hint at", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1 });
  const group = cluster.group(100);
  await using clerk = cluster.clerk();
  group.hints = false;
  group.leader = "100-2";
  await clock.resolve(clerk.put("k", "1"), 1_000);
  cluster.stop("100-2");
  group.hints = true;
  const second = clerk.put("k", "2");
  await clock.advance(1_000);
  group.leader = "100-0";
  await clock.resolve(second, 1_000);
  assertEquals(text(await clock.resolve(clerk.get("k"), 1_000)), "2");
});

Deno.test("KvClerk leaves a server that takes requests and answers nothing", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1 });
  const group = cluster.group(100);
  await using clerk = cluster.clerk();
  group.fault = (address) => address === "100-0" ? "hang" : "none";
  group.leader = "100-1";
  await clock.resolve(clerk.put("k", "v"), 3_000);
  assert(clock.now() >= 2_000);
});

Deno.test("KvClerk waits for a shard that is on its way", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  await using clerk = cluster.clerk();
  const group = cluster.groupOf("k");
  group.arriving.add(cluster.shardOf("k"));
  const put = clerk.put("k", "v");
  await clock.advance(5_000);
  group.arriving.clear();
  await clock.resolve(put, 300);
  const [shard] = cluster.allShards().filter((each) => each.data.size > 0);
  assertEquals(shard?.executions.size, 1);
});

Deno.test("KvClerk goes where a shard has moved to, in few attempts", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  await using clerk = cluster.clerk();
  await clock.resolve(clerk.put("k", "1"), 1_000);
  const from = cluster.groupOf("k").gid;
  cluster.move(cluster.shardOf("k"), from === 100 ? 101 : 100);
  const before = clock.now();
  await clock.resolve(clerk.append("k", "2"), 1_000);
  assertEquals(text(await clock.resolve(clerk.get("k"), 1_000)), "12");
  assert(clock.now() - before <= 40, `${clock.now() - before}`);
  assertEquals(cluster.queries, 2);
});

Deno.test("KvClerk asks the controllers once for many calls", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  await using clerk = cluster.clerk();
  await clock.resolve(Promise.all([1, 2, 3].map((i) => clerk.put(`k${i}`, "v"))), 1_000);
  assertEquals(cluster.queries, 1);
});

Deno.test("KvClerk waits for a group to serve the shard", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  const served = cluster.config;
  cluster.config = { ...served, num: 0, shards: served.shards.map(() => 0) };
  await using clerk = cluster.clerk();
  const put = clerk.put("k", "v");
  await clock.advance(2_000);
  cluster.config = served;
  await clock.resolve(put, 600);
});

Deno.test("a call ends at its deadline and says what was tried", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1 });
  const group = cluster.group(100);
  await using clerk = cluster.clerk({ timeoutMs: 5_000 });
  group.leader = undefined;
  const put = assertRejects(() => clerk.put("k", "v"), KvError);
  await clock.advance(4_999);
  let over = false;
  put.then(() => over = true);
  await clock.advance(0);
  assertEquals(over, false);
  await clock.advance(1);
  const error = await put;
  assertEquals([error.code, error.maybe], ["DEADLINE_EXCEEDED", false]);
  const [, attempts] =
    /^Cannot put key 'k' within 5000 ms: (\d+) attempts, the last at 100-\d: NOT_LEADER: Refused with NOT_LEADER; the write did not happen$/
      .exec(error.message) ?? [];
  // Backoff keeps it from hammering, and still finds a leader soon.
  assert(Number(attempts) > 15 && Number(attempts) < 60, error.message);
});

Deno.test("a write without an answer may have happened, a read never has", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1 });
  await using clerk = cluster.clerk();
  cluster.group(100).fault = () => "hang";
  const put = assertRejects(() => clerk.put("k", "v", { timeoutMs: 500 }), KvError);
  const get = assertRejects(() => clerk.get("k", { timeoutMs: 500 }), KvError);
  await clock.advance(500);
  assertEquals([(await put).maybe, (await get).maybe], [true, false]);
  assertEquals(
    (await put).message,
    "Cannot put key 'k' within 500 ms: 1 attempt, the last at 100-0 without an answer; the write may have happened",
  );
});

Deno.test("a write that reached no server did not happen", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1 });
  for (const address of cluster.group(100).addresses) cluster.stop(address);
  await using clerk = cluster.clerk();
  const put = assertRejects(() => clerk.put("k", "v", { timeoutMs: 500 }), KvError);
  await clock.advance(500);
  assertEquals((await put).maybe, false);
});

Deno.test("a write that reaches no server holds up no session", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  for (const address of cluster.group(100).addresses) cluster.stop(address);
  const sent = watchNumbers(cluster.group(101));
  await using clerk = cluster.clerk();
  const hung = assertRejects(() => clerk.put(keyOf(cluster, 100), "v"), KvError);
  await clock.advance(100);
  for (let i = 0; i < 3; i++) await clock.resolve(clerk.put(keyOf(cluster, 101), "v"), 1_000);
  // The group has to remember the reply of the last write only.
  assertEquals(sent.map(({ number, lowest }) => number - lowest), [0, 0, 0]);
  await clerk.close();
  await hung;
});

Deno.test("a write that may have happened keeps its number, also past a time without a server", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, replicas: 1 });
  const sent = watchNumbers(cluster.group(100), "loseResponse");
  await using clerk = cluster.clerk();
  const put = clerk.put(keyOf(cluster, 100), "v");
  await clock.advance(0);
  cluster.stop("100-0");
  await clock.advance(1_000);
  await clock.resolve(clerk.put(keyOf(cluster, 101), "v"), 1_000);
  cluster.start("100-0");
  await clock.resolve(put, 5_000);
  assertEquals(sent.map(({ number, lowest }) => [number, lowest]), [[1, 1], [1, 1]]);
});

Deno.test("a write that is sent again tells how long its machine was suspended meanwhile", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  await using clerk = cluster.clerk();
  const ages: number[] = [];
  cluster.groupOf("k").fault = (_, { ageMs }) => {
    if (ages.push(ageMs) > 1) return "none";
    clock.suspend(7_200_000);
    return "loseResponse";
  };
  await clock.resolve(clerk.append("k", "x"), 1_000);
  assertEquals(ages.slice(0, 2), [0, 7_200_000]);
});

Deno.test("a call says so if it was the controllers that did not answer", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  cluster.beforeQuery = () => Promise.reject(new KvError("UNAVAILABLE", "No controller answers"));
  await using clerk = cluster.clerk();
  const get = assertRejects(() => clerk.get("k", { timeoutMs: 500 }), KvError);
  await clock.advance(500);
  assertEquals(
    (await get).message,
    "Cannot get key 'k' within 500 ms: it was never sent, because UNAVAILABLE: No controller answers",
  );
});

Deno.test("a call names the server that is no controller", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  const text = "Cannot finish /a.B/Query at c:1: The server does not implement it";
  cluster.beforeQuery = () => Promise.reject(new KvError("UNIMPLEMENTED", text));
  await using clerk = cluster.clerk();
  const get = assertRejects(() => clerk.get("k", { timeoutMs: 500 }), KvError);
  await clock.advance(500);
  assertEquals(
    (await get).message,
    `Cannot get key 'k' within 500 ms: it was never sent, because UNIMPLEMENTED: ${text}`,
  );
});

Deno.test("a call says so if the controllers have said nothing yet", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  cluster.beforeQuery = () => new Promise(() => {});
  await using clerk = cluster.clerk({ controllers: ["a:1", "b:2"] });
  const get = assertRejects(() => clerk.get("k", { timeoutMs: 500 }), KvError);
  await clock.advance(500);
  assertEquals(
    (await get).message,
    "Cannot get key 'k' within 500 ms: it was never sent, because UNAVAILABLE: " +
      "No controller has answered yet, of a:1, b:2",
  );
});

Deno.test("an aborted signal ends the call, before or while it is under way", async () => {
  const cluster = new FakeCluster({ clock: systemClock, groups: 1 });
  await using clerk = cluster.clerk();
  await clerk.put("k", "v");
  cluster.group(100).fault = () => "hang";
  const controller = new AbortController();
  const put = clerk.put("k", "v", { signal: controller.signal });
  await clerk.get("other", { timeoutMs: 20 }).catch(() => {});
  controller.abort(new Error("enough"));
  const error = await assertRejects(() => put, KvError, "the caller gave up");
  assertEquals([error.code, error.maybe], ["CANCELLED", true]);
  assertEquals((error.cause as Error).message, "enough");
  const late = await assertRejects(
    () => clerk.put("k", "v", { signal: controller.signal }),
    KvError,
  );
  assertEquals(late.maybe, false);
});

Deno.test("KvClerk.close() ends what is under way, and every call after it", async () => {
  const cluster = new FakeCluster({ clock: systemClock, groups: 1 });
  const clerk = cluster.clerk();
  cluster.group(100).fault = () => "hang";
  const put = clerk.put("k", "v");
  const rejected = assertRejects(() => put, KvError, "the clerk is closed");
  await clerk.close();
  await rejected;
  await assertRejects(() => clerk.get("k"), KvError, "the clerk is closed");
  await clerk.close();
});

Deno.test("KvClerk refuses calls beyond what it may hold, and putMany() keeps below", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1 });
  await using clerk = cluster.clerk({ timeoutMs: 1_000 });
  cluster.group(100).leader = undefined;
  const value = new Uint8Array(1_048_576);
  const codes: string[] = [];
  for (let i = 0; i < 130; i++) {
    clerk.put(`k${i}`, value).catch((error: KvError) => codes.push(error.code));
  }
  await clock.advance(1_000);
  assertEquals(codes.filter((code) => code === "OVERLOADED").length, 3);
  assertEquals(codes.filter((code) => code === "DEADLINE_EXCEEDED").length, 127);
  cluster.group(100).leader = "100-0";
  const entries = Array.from({ length: 200 }, (_, i) => [`k${i}`, value] as const);
  await clock.resolve(clerk.putMany(entries), 5_000);
});

Deno.test("putMany() says how much was done and whether the rest may have been", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  await using clerk = cluster.clerk({ timeoutMs: 1_000 });
  cluster.group(101).fault = () => "hang";
  const entries = Array.from({ length: 100 }, (_, i) => [`k${i}`, "v"] as const);
  const done = entries.filter(([key]) => cluster.groupOf(key).gid === 100).length;
  const put = assertRejects(() => clerk.putMany(entries), KvError);
  await clock.advance(1_000);
  const error = await put;
  assertEquals([error.code, error.maybe], ["DEADLINE_EXCEEDED", true]);
  assert(error.message.startsWith(`Cannot put 100 keys (${done} of 100 done): Cannot put key`));
});

Deno.test("putMany() sends nothing more once a key has failed", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1 });
  await using clerk = cluster.clerk();
  const group = cluster.group(100);
  group.fault = () => group.batches === 1 ? "refused" : "none";
  const entries = Array.from({ length: 20_000 }, (_, i) => [`k${i}`, "v"] as const);
  const put = assertRejects(() => clerk.putMany(entries), KvError, "refused with REFUSED");
  await clock.resolve(put, 1_000);
  assert(group.commands < 10_000, `${group.commands} keys were put all the same`);
});

Deno.test("putMany() says that writes may have happened if any of them may have", async () => {
  const failureOf = async (...gids: number[]) => {
    const clock = new VirtualClock();
    const cluster = new FakeCluster({ clock, groups: 3 });
    await using clerk = cluster.clerk({ timeoutMs: 1_000 });
    cluster.group(100).fault = () => "hang";
    for (const address of cluster.group(101).addresses) cluster.stop(address);
    cluster.group(102).fault = () => "refused";
    const put = clerk.putMany(gids.map((gid) => [keyOf(cluster, gid), "v"]));
    const { code, maybe } = await clock.resolve(assertRejects(() => put, KvError), 2_000);
    return [code, maybe];
  };
  assertEquals(await failureOf(101), ["DEADLINE_EXCEEDED", false]);
  assertEquals(await failureOf(100, 101), ["DEADLINE_EXCEEDED", true]);
  assertEquals(await failureOf(102, 100), ["REFUSED", true], "the first failure counts");
});

Deno.test("an overloaded group is asked again later", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1 });
  await using clerk = cluster.clerk();
  let refusals = 4;
  cluster.group(100).fault = () => refusals-- > 0 ? "overloaded" : "none";
  await clock.resolve(clerk.put("k", "v"), 1_000);
  assert(clock.now() >= 15);
  assertEquals(cluster.group(100).batches, 5, "nobody else was asked");
});

Deno.test("KvClerk.status() shows every server, offline ones too", async () => {
  const cluster = new FakeCluster({ clock: systemClock, shards: 2 });
  cluster.stop("101-1");
  await using clerk = cluster.clerk();
  const nodes = await clerk.status();
  assertEquals(nodes.map(({ gid, id, role }) => `${gid}-${id} ${role}`), [
    "100-0 Leader",
    "100-1 Follower",
    "100-2 Follower",
    "101-0 Leader",
    "101-1 Offline",
    "101-2 Follower",
  ]);
  assertEquals(nodes[0]?.shards, [{ shard: 0, status: "Serving", keys: 0, bytes: 0 }]);
  assertEquals(nodes[4]?.address, "101-1");
});

Deno.test("new KvClerk() needs a controller", () => {
  const cluster = new FakeCluster({ clock: systemClock });
  assertThrows(() => cluster.clerk({ source: undefined }), TypeError, "'controllers' is empty");
});

Deno.test("every acknowledged write took effect exactly once, whatever was lost on the way", async () => {
  for (let seed = 1; seed <= 8; seed++) await runFaults(seed);
});

/** Appenders against servers that lose, lie and move shards; each appender's log must be whole. */
async function runFaults(seed: number): Promise<void> {
  const prng = createPrng(seed);
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, shards: 4 });
  const faults = [
    "notLeader",
    "loseResponse",
    "loseRequest",
    "hang",
    "leadershipLost",
    "overloaded",
  ];
  let healed = false;
  for (const group of cluster.groups.values()) {
    group.fault = () => {
      if (healed || prng.below(100) >= 25) return "none";
      return faults[prng.below(faults.length)] as "hang";
    };
    group.delayMs = () => prng.below(4) === 0 ? prng.below(80) : 0;
  }
  await using clerk = cluster.clerk({ prng, timeoutMs: 60_000 });
  const callers = Array.from({ length: 20 }, (_, caller) => appendAll(clerk, `c${caller}`, 15));
  for (let step = 0; step < 20; step++) {
    await clock.advance(prng.below(300));
    if (prng.below(2) === 0) cluster.move(prng.below(4), 100 + prng.below(2));
    for (const group of cluster.groups.values()) {
      if (prng.below(4) === 0) group.leader = `${group.gid}-${prng.below(3)}`;
    }
  }
  healed = true;
  await clock.resolve(Promise.all(callers), 60_000);
  const whole = Array.from({ length: 15 }, (_, i) => `${i},`).join("");
  for (let caller = 0; caller < 20; caller++) {
    assertEquals(text(await clock.resolve(clerk.get(`c${caller}`), 5_000)), whole, `seed ${seed}`);
  }
  const counts = cluster.allShards().flatMap((shard) => [...shard.executions.values()]);
  assert(counts.every((count) => count === 1), `seed ${seed}`);
}

async function appendAll(
  clerk: ReturnType<FakeCluster["clerk"]>,
  key: string,
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i++) await clerk.append(key, `${i},`);
}
