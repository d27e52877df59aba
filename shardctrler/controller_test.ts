import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { CtrlerClerk } from "../client/ctrler_clerk.ts";
import { ControllerServiceService } from "../proto/gen/shardctrler.ts";
import { KvError } from "../rpc/errors.ts";
import type { Config, Gid } from "./configuration/config.ts";
import { ShardCountError } from "./controller.ts";
import { ControllerCluster } from "./testing/controller_cluster.ts";

function servers(...gids: Gid[]): Map<Gid, string[]> {
  return new Map(gids.map((gid) => [gid, ["a", "b", "c"].map((name) => `${name}${gid}:1`)]));
}

/** All shards owned by groups that are there, evenly. */
function assertSound(config: Config, gids: readonly Gid[]): void {
  assertEquals([...config.groups.keys()].sort((a, b) => a - b), gids.toSorted((a, b) => a - b));
  if (gids.length === 0) return assert(config.shards.every((gid) => gid === 0));
  const loads = gids.map((gid) => config.shards.filter((owner) => owner === gid).length);
  assertEquals(loads.reduce((sum, load) => sum + load, 0), config.shards.length);
  assert(Math.max(...loads) - Math.min(...loads) <= 1, `uneven: ${loads}`);
}

/** Shards that changed hands between groups that are in both configurations. */
function needlessMoves(before: Config, after: Config): number[] {
  return [...before.shards.keys()].filter((shard) => {
    const [from = 0, to = 0] = [before.shards[shard], after.shards[shard]];
    return from !== to && after.groups.has(from) && before.groups.has(to);
  });
}

async function historyOf(clerk: CtrlerClerk, latest: number): Promise<Config[]> {
  const configs: Config[] = [];
  for (let num = 0; num <= latest; num++) configs.push(await clerk.query(num));
  return configs;
}

Deno.test("Controller joins and leaves groups and spreads the shards", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  assertSound(await cluster.run(clerk.query()), []);
  assertSound(await cluster.run(clerk.join(servers(1))), [1]);
  assertSound(await cluster.run(clerk.join(servers(2))), [1, 2]);
  const config = await cluster.run(clerk.query());
  assertEquals(config.groups.get(1), ["a1:1", "b1:1", "c1:1"]);
  assertSound(await cluster.run(clerk.leave([1])), [2]);
  assertSound(await cluster.run(clerk.leave([2], { force: true })), []);
});

Deno.test("Controller tells every configuration by its number, after any restart", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  for (const gid of [1, 2, 3, 4, 5]) await cluster.run(clerk.join(servers(gid)));
  await cluster.run(clerk.leave([2, 4]));
  const before = await cluster.run(historyOf(clerk, 6));
  for (const position of cluster.addresses.keys()) {
    await cluster.crash(position);
    await cluster.restart(position);
    assertEquals(await cluster.run(historyOf(clerk, 6)), before);
  }
  for (const position of cluster.addresses.keys()) await cluster.crash(position);
  for (const position of cluster.addresses.keys()) await cluster.restart(position);
  assertEquals(await cluster.run(historyOf(cluster.clerk(), 6)), before);
  assertEquals((await cluster.run(clerk.query())).num, 6);
  assertEquals(cluster.failures, []);
});

Deno.test("Controllers of each new cluster draw a store id of their own", async () => {
  await using one = await ControllerCluster.start(1);
  await using three = await ControllerCluster.start(3);
  const ids = [];
  for (const cluster of [one, three]) {
    const { storeId } = await cluster.run(cluster.clerk().query());
    assert(BigInt(storeId) > 0n);
    ids.push(storeId);
  }
  assertNotEquals(ids[0], ids[1]);
});

Deno.test("Controller moves shards one by one", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  await cluster.run(clerk.join(servers(503, 504)));
  for (let shard = 0; shard < 10; shard++) {
    const gid = shard < 5 ? 503 : 504;
    const before = await cluster.run(clerk.query());
    const after = await cluster.run(clerk.move(shard, gid));
    assertEquals(after.num, before.shards[shard] === gid ? before.num : before.num + 1);
  }
  const config = await cluster.run(clerk.query());
  assertEquals(config.shards, [503, 503, 503, 503, 503, 504, 504, 504, 504, 504]);
});

Deno.test("Controller serves many clients that join and leave at once", async () => {
  await using cluster = await ControllerCluster.start(3);
  const gids = Array.from({ length: 10 }, (_, i) => 101 + i);
  await cluster.run(Promise.all(gids.map(async (gid) => {
    const clerk = cluster.clerk();
    await clerk.join(servers(gid + 1000));
    await clerk.join(servers(gid));
    await clerk.leave([gid + 1000]);
  })));
  const config = await cluster.run(cluster.clerk().query());
  assertEquals(config.num, 30);
  assertSound(config, gids);
});

Deno.test("Controller moves no shard that need not move, whoever joins or leaves", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: 64 });
  const clerk = cluster.clerk();
  let before = await cluster.run(clerk.join(servers(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)));
  for (const gid of [21, 22, 23, 24, 25]) {
    const after = await cluster.run(clerk.join(servers(gid)));
    assertEquals(needlessMoves(before, after), []);
    before = after;
  }
  for (const gid of [21, 22, 23, 24, 25]) {
    const after = await cluster.run(clerk.leave([gid]));
    assertEquals(needlessMoves(before, after), []);
    before = after;
  }
});

Deno.test("Controller joins and leaves several groups in one step", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  assertSound(await cluster.run(clerk.join(servers(1, 2))), [1, 2]);
  const joined = await cluster.run(clerk.join(servers(3, 4)));
  assertSound(joined, [1, 2, 3, 4]);
  const left = await cluster.run(clerk.leave([1, 3]));
  assertSound(left, [2, 4]);
  assertEquals([left.num, needlessMoves(joined, left)], [3, []]);
});

Deno.test("Controller serves many clients that change several groups at once", async () => {
  await using cluster = await ControllerCluster.start(3);
  const firsts = Array.from({ length: 10 }, (_, i) => 1000 + 10 * i);
  await cluster.run(Promise.all(firsts.map(async (gid) => {
    const clerk = cluster.clerk();
    await clerk.join(servers(gid, gid + 1, gid + 2));
    await clerk.leave([gid + 1, gid + 2]);
  })));
  assertSound(await cluster.run(cluster.clerk().query()), firsts);
});

Deno.test("Controller gives all replicas the same history although messages are late", async () => {
  await using cluster = await ControllerCluster.start(
    5,
    { shards: 10 },
    (prng) => prng.below(27),
  );
  const clerk = cluster.clerk();
  for (const gid of [5, 3, 9]) await cluster.run(clerk.join(servers(gid)));
  await cluster.run(clerk.leave([3]));
  const histories: Config[][] = [];
  await cluster.clock.advance(1_000);
  for (const address of cluster.addresses) {
    const channel = cluster.dialer().channel(address);
    const configs: Config[] = [];
    for (let num = 0; num <= 4; num++) {
      const response = await cluster.run(
        channel.unary(ControllerServiceService.query, { num }, { timeoutMs: 1_000 }),
      );
      configs.push(response.config as unknown as Config);
    }
    histories.push(configs);
  }
  for (const history of histories) assertEquals(history, histories[0]);
});

Deno.test("Controller makes a change once although its leader dies while it is made", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  await cluster.run(clerk.join(servers(1)));
  const leader = cluster.leader();
  cluster.isolate(leader);
  const joined = clerk.join(servers(2));
  await cluster.clock.advance(500);
  await cluster.crash(leader);
  assertEquals((await cluster.run(joined)).num, 2);
  cluster.isolate(leader, false);
  await cluster.restart(leader);
  const config = await cluster.run(clerk.query());
  assertEquals(config.num, 2);
  assertSound(config, [1, 2]);
});

Deno.test("Controller makes a change once although its answer is lost", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  await cluster.run(clerk.query());
  const leader = cluster.leader();
  cluster.network.cut(cluster.addresses[leader] ?? "", "client");
  const joined = clerk.join(servers(1));
  const made = () => cluster.node(leader).status().configNum === 1;
  await cluster.clock.advanceUntil(made, 1_000);
  await cluster.clock.advance(3_000);
  cluster.network.heal();
  assertEquals((await cluster.run(joined)).num, 1);
  assertEquals((await cluster.run(clerk.query())).num, 1);
});

Deno.test("Controller cut off from the others makes no change and tells so in the end", async () => {
  await using cluster = await ControllerCluster.start(3);
  const leader = cluster.leader();
  cluster.isolate(leader);
  const alone = cluster.clerk({ controllers: [cluster.addresses[leader] ?? ""] });
  const error = await cluster.run(assertRejects(
    () => alone.join(servers(1), { timeoutMs: 5_000 }),
    KvError,
    "Cannot finish join within 5000 ms: it may have taken effect; tried ctrl-",
  ));
  assertEquals(error.code, "DEADLINE_EXCEEDED");
  assertEquals(error.maybe, true);
  assertSound(await cluster.run(cluster.clerk().join(servers(2))), [2]);
});

Deno.test("Controller refuses nonsense and goes on", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  await cluster.run(clerk.join(servers(100)));
  const refusals: [() => Promise<Config>, string][] = [
    [() => clerk.move(10_000, 100), "Cannot move shard 10000: the cluster has shards 0..9"],
    [
      () => clerk.move(0, 999),
      "Cannot move shard 0 to group 999: it is not part of the cluster",
    ],
    [() => clerk.join(servers(100)), "Cannot join group 100: it is part of the cluster"],
    [() => clerk.leave([5]), "Cannot leave group 5: it is not part of the cluster"],
    [() => clerk.leave([100]), "Cannot leave the last group"],
    [() => clerk.query(2), "Cannot find configuration 2: the latest is 1"],
  ];
  for (const [call, message] of refusals) {
    await cluster.run(assertRejects(call, KvError, message));
  }
  assertEquals((await cluster.run(clerk.query())).num, 1);
  assertEquals(cluster.failures, []);
});

Deno.test("Controller refuses another number of shards than the cluster has", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: 10 });
  await cluster.shutdown(1);
  await cluster.restart(1, { shards: 64 });
  await cluster.clock.advance(3_000);
  const [error] = cluster.failures;
  assert(error instanceof ShardCountError);
  assertEquals(
    error.message,
    "Cannot use '-shards' 64: the cluster was made with 10 shards for good",
  );
});

Deno.test("Controller catches up by a snapshot with all of the history", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: 10, retainedEntriesMax: 2 });
  const clerk = cluster.clerk();
  const away = (cluster.leader() + 1) % 3;
  await cluster.crash(away);
  await cluster.run(clerk.join(servers(1, 2)));
  for (let i = 0; i < 20; i++) await cluster.run(clerk.move(0, 1 + i % 2));
  const latest = await cluster.run(clerk.query());
  await cluster.restart(away);
  const caughtUp = () => cluster.node(away).status().configNum === latest.num;
  await cluster.clock.advanceUntil(caughtUp, 30_000);
  const alone = cluster.clerk({ controllers: [cluster.addresses[away] ?? ""] });
  const others = await cluster.run(historyOf(clerk, latest.num));
  assertEquals(await cluster.run(historyOf(alone, latest.num)), others);
});

Deno.test("Controller that idles writes nothing", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  await cluster.run(clerk.join(servers(1)));
  const stop = new AbortController();
  const watch = clerk.watch({ from: 2, signal: stop.signal })[Symbol.asyncIterator]();
  const next = watch.next();
  await cluster.clock.advance(2_000);
  const statuses = () => cluster.addresses.map((_, i) => cluster.node(i).status());
  const before = [statuses(), cluster.writes];
  await cluster.clock.advance(600_000);
  await cluster.run(clerk.query());
  assertEquals([statuses(), cluster.writes], before);
  stop.abort();
  await cluster.run(next);
});
