/** Groups hear of configurations from the controllers' stream: they need not be asked for. */
import { assert } from "@std/assert";
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createPrng } from "../../runtime/prng.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { TestCluster } from "./cluster_harness.ts";
import { percentile } from "./failover.ts";

const GIDS = [100, 101] as const;
const CHANGES = 20;
/**
 * Within so long every group has half of the configurations. A machine busy with tests takes up to
 * 150 ms for it; groups that had to ask would come 500 to 1,500 ms after they last did
 * (client/calls/config_watch.ts), and have half of them after 700 ms and more.
 */
const KNOWN_MS_MAX = 250;
const TIMEOUT_MS = 30_000;
const POLL_MS = 5;

/** Waits until the leaders of all groups are in the configuration. */
async function known({ admin }: TestCluster, num: number): Promise<void> {
  await until(`not all groups are in configuration ${num}`, TIMEOUT_MS, async () => {
    const leaders = (await admin.status()).filter(({ role }) => role === "Leader");
    const there = leaders.filter(({ configNum }) => configNum >= num).map(({ gid }) => gid);
    return GIDS.every((gid) => there.includes(gid)) || undefined;
  }, POLL_MS);
}

Deno.test("every group has a configuration long before it would ask for one", async () => {
  await using cluster = await TestCluster.start({ groups: GIDS.length, replicas: 3 });
  await using dialer = new GrpcDialer();
  const clerk = new CtrlerClerk({
    controllers: cluster.controllers,
    dialer,
    clock: systemClock,
    prng: createPrng(1),
  });
  const times: number[] = [];
  try {
    for (let i = 0; i < CHANGES; i++) {
      const { num } = await clerk.move(0, GIDS[i % 2] ?? 100);
      const committedAt = performance.now();
      await known(cluster, num);
      times.push(performance.now() - committedAt);
      // A group enters the next configuration only once it has settled this one.
      await cluster.served();
    }
  } finally {
    clerk.close();
  }
  const median = percentile(times, 50);
  assert(median < KNOWN_MS_MAX, `half of them took ${times.map(Math.round).join(", ")} ms`);
});
