/** How long a cluster takes to get well once it may. */
import type { KvClerk } from "../../client/kv_clerk.ts";
import type { ShardId } from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import { type FaultCluster, HEALTHY_TIMEOUT_MS } from "./fault_cluster.ts";
import { SHARDS } from "./fault_plan.ts";
import { PROBES } from "./judge.ts";

/** From the moment in which the suite began to heal, in milliseconds. */
export interface Recovery {
  /** Until a write to every shard that was sent right then was acknowledged. */
  readonly writtenMs: number;
  /** Until every shard was Serving where it belongs. */
  readonly servedMs: number;
}

/**
 * Heals, and waits until all is well.
 *
 * @throws {Error} If it is not within a minute
 */
export async function recover(
  cluster: FaultCluster,
  clerk: KvClerk,
  heal: () => Promise<void>,
): Promise<Recovery> {
  const start = performance.now();
  const elapsed = () => performance.now() - start;
  const written = writeEverywhere(clerk).then(elapsed);
  written.catch(() => {});
  await heal();
  await cluster.admin.served(HEALTHY_TIMEOUT_MS);
  const servedMs = elapsed();
  return { writtenMs: await written, servedMs };
}

/** One write to every shard, whoever serves it. */
async function writeEverywhere(clerk: KvClerk): Promise<void> {
  const keys = new Map<ShardId, string>();
  for (let i = 0; keys.size < SHARDS; i++) {
    const key = `${PROBES}${i}`;
    const shard = shardOf(Buffer.from(key), SHARDS);
    if (!keys.has(shard)) keys.set(shard, key);
  }
  await clerk.putMany([...keys.values()].map((key) => [key, "x"] as const));
}
