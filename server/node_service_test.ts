import { assert, assertEquals } from "@std/assert";
import {
  type GetMetricsResponse,
  NodeServiceService,
  type ValueHistogram,
} from "../proto/gen/node.ts";
import { StoreCluster } from "../shardkv/testing/store_cluster.ts";

function counted(histogram: ValueHistogram | undefined): number {
  assert(histogram !== undefined);
  assertEquals(histogram.indexes, histogram.indexes.toSorted((a, b) => a - b));
  return histogram.counts.reduce((sum, count) => sum + count, 0);
}

Deno.test("GetMetrics tells of controllers and replicas alike what they have done since their start", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: [100], replicas: 3, diskMs: 2 });
  await store.join(100);
  for (let i = 0; i < 10; i++) await store.run(store.clerk.put(`key-${i}`, "v"));
  for (let i = 0; i < 5; i++) await store.run(store.clerk.get(`key-${i}`));
  const dialer = store.ctrl.dialer("watcher:1");
  const ask = (address: string): Promise<GetMetricsResponse> =>
    store.run(
      dialer.channel(address).unary(NodeServiceService.getMetrics, {}, { timeoutMs: 1_000 }),
    );
  await store.until(() => store.leader(100) !== -1);
  const position = store.leader(100);
  const leader = await ask(store.address(100, position));
  const follower = await ask(store.address(100, (position + 1) % 3));
  const [controller = ""] = store.ctrl.addresses;
  const { reads, writes, gid } = await ask(controller);

  assertEquals([gid, leader.gid, leader.id], [0, 100, position]);
  assert(writes >= 1 && reads >= 1, "the controllers were asked and changed");
  assertEquals([leader.reads, counted(leader.readLatency)], [5, 5]);
  assertEquals([leader.writes, counted(leader.writeLatency)], [10, 10]);
  assertEquals([follower.reads, follower.writes], [0, 0]);
  assert(counted(leader.logSync) >= 10 && counted(follower.logSync) >= 10);
  assert(counted(leader.tickLag) > 0 && leader.uptimeMs > 0);
  assertEquals(leader.applyLag, 0);
  const sum = (key: "reads" | "writes", { shards }: GetMetricsResponse) =>
    shards.reduce((total, shard) => total + shard[key], 0);
  assertEquals([sum("reads", leader), sum("writes", leader)], [5, 10]);
  assertEquals([sum("reads", follower), sum("writes", follower)], [0, 10]);
  await dialer.close();
});
