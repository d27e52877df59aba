import { assert, assertEquals } from "@std/assert";
import { createPrng } from "../../../runtime/prng.ts";
import type { Config } from "../../../shardctrler/configuration/config.ts";
import { ControllerCluster } from "../../../shardctrler/testing/controller_cluster.ts";
import { badNetwork, KEEPALIVE_MS } from "../network.ts";
import { assertMinimal, assertSound, servers } from "./soundness.ts";
import { storedHistory } from "./stored_history.ts";

/** The same on every disk, numbered without a gap, sound throughout. */
async function assertOneHistory(cluster: ControllerCluster, latest: number): Promise<Config[]> {
  const applied = () =>
    cluster.addresses.every((_, i) => cluster.node(i).status().configNum === latest);
  await cluster.clock.advanceUntil(applied, 60_000);
  const [first = [], ...others] = await cluster.run(
    Promise.all(cluster.addresses.map((_, i) => storedHistory(cluster.engine(i)))),
  );
  for (const other of others) assertEquals(other, first);
  assertEquals(first.map(({ num }) => num), Array.from({ length: latest + 1 }, (_, num) => num));
  for (const config of first) assertSound(config);
  return first;
}

// shardctrler Multi: minimal transfers after multi-join and multi-leave
Deno.test("several groups that join or leave at once move no shard that need not move", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: 64 });
  const clerk = cluster.clerk();
  let before = await cluster.run(clerk.join(servers(1, 2, 3, 4, 5)));
  for (const gids of [[11, 12, 13], [21], [31, 32, 33, 34, 35, 36]]) {
    const after = await cluster.run(clerk.join(servers(...gids)));
    assertMinimal(before, after);
    assertSound(after);
    before = after;
  }
  for (const gids of [[1, 11, 31], [2, 3], [12, 13, 32, 33, 34, 35, 36]]) {
    const after = await cluster.run(clerk.leave(gids));
    assertMinimal(before, after);
    assertSound(after);
    before = after;
  }
});

// shardctrler Basic: all shards owned and max - min <= 1, with more groups than shards
Deno.test("shards stay spread while more groups come and go than there are shards", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: 10 });
  const clerk = cluster.clerk();
  for (let gid = 1; gid <= 14; gid++) assertSound(await cluster.run(clerk.join(servers(gid))));
  for (let gid = 1; gid <= 13; gid++) assertSound(await cluster.run(clerk.leave([gid])));
  const { num } = await cluster.run(clerk.query());
  assertEquals(num, 27);
  await assertOneHistory(cluster, num);
});

// shardctrler Basic: concurrent join and leave with 10 clerks, on the labs' unreliable network
Deno.test("ten clerks' changes are each made once although one message in ten is lost", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: 10 }, badNetwork, KEEPALIVE_MS);
  const gids = Array.from({ length: 10 }, (_, i) => 101 + i);
  const changeAll = gids.map(async (gid) => {
    const clerk = cluster.clerk({ timeoutMs: 100_000 });
    await clerk.join(servers(gid + 1_000));
    await clerk.join(servers(gid));
    await clerk.leave([gid + 1_000]);
  });
  await cluster.run(Promise.all(changeAll), 200_000);
  const history = await assertOneHistory(cluster, 30);
  assertEquals([...history.at(-1)?.groups.keys() ?? []].sort(), gids);
});

// shardctrler Multi: concurrent multi join and leave, with power cuts
Deno.test("ten clerks' changes of several groups are each made once although controllers lose power", async () => {
  await using cluster = await ControllerCluster.start(5, { shards: 10 }, (prng) => prng.below(4));
  const prng = createPrng(3);
  const firsts = Array.from({ length: 10 }, (_, i) => 1_000 + 10 * i);
  let open = firsts.length;
  const changeAll = firsts.map(async (gid) => {
    const clerk = cluster.clerk({ timeoutMs: 100_000 });
    await clerk.join(servers(gid, gid + 1, gid + 2));
    await clerk.leave([gid + 1, gid + 2]);
    await clerk.join(servers(gid + 3, gid + 4));
    await clerk.leave([gid + 3]);
    open--;
  });
  const changed = Promise.all(changeAll);
  changed.catch(() => {});
  // The leader as often as any other; a majority always has power.
  let cuts = 0;
  for (; open > 0 && cuts < 50; cuts++) {
    const position = cuts % 2 === 0 ? Math.max(0, cluster.leader()) : prng.below(5);
    await cluster.crash(position);
    await cluster.clock.advance(5 + prng.below(100));
    await cluster.restart(position);
    await cluster.clock.advance(prng.below(30));
  }
  await cluster.run(changed, 200_000);
  assert(cuts >= 5, `only ${cuts} power cuts while changes were made`);
  const history = await assertOneHistory(cluster, 40);
  const expected = firsts.flatMap((gid) => [gid, gid + 4]);
  assertEquals([...history.at(-1)?.groups.keys() ?? []].sort((a, b) => a - b), expected);
  assertEquals(cluster.failures, []);
});

// shardctrler Basic: historical queries, asked of any controller while the latest leader is away
Deno.test("old configurations are told while the leader is away, the latest once there is another", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: 10 });
  const clerk = cluster.clerk();
  for (const gid of [1, 2, 3]) await cluster.run(clerk.join(servers(gid)));
  await cluster.run(clerk.leave([2]));
  const history = await assertOneHistory(cluster, 4);
  await cluster.crash(cluster.leader());
  for (const config of history.slice(0, 4)) {
    assertEquals(await cluster.run(clerk.query(config.num), 10_000), config);
  }
  assertEquals(await cluster.run(clerk.query(), 10_000), history[4]);
});
