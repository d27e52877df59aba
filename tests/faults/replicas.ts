/** Whether the members of a group hold the same, as the product's own check tells it. */
import { checkGroup, type GroupCheck } from "../../client/status/state_check.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createPrng, randomSeed } from "../../runtime/prng.ts";
import { CONTROLLERS_GID, type Gid } from "../../shardctrler/configuration/config.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { Violation } from "../sim/observation.ts";
import { type FaultCluster, HEALTHY_TIMEOUT_MS } from "./fault_cluster.ts";

const EQUAL = "19 replicas are equal at equal indexes";
/** For one comparison. */
const TIMEOUT_MS = 20_000;

/**
 * Compares those members that can be asked.
 *
 * @returns Whether all of them could be
 * @throws {Violation} If one holds something else
 */
export async function compareReplicas(cluster: FaultCluster, gid: Gid): Promise<boolean> {
  const check = await hashes(cluster, gid);
  return isComplete(check);
}

/**
 * Compares all members, once all of them can be asked.
 *
 * @throws {Violation} If one holds something else
 * @throws {TimeoutError} If one cannot be asked
 */
export async function requireEqualReplicas(cluster: FaultCluster, gid: Gid): Promise<void> {
  let check: GroupCheck | undefined;
  const text = () => `group ${gid} cannot be compared: ${check && describe(check)}`;
  await until(text, HEALTHY_TIMEOUT_MS, async () => {
    check = await hashes(cluster, gid);
    return isComplete(check) || undefined;
  });
}

async function hashes(cluster: FaultCluster, gid: Gid): Promise<GroupCheck> {
  const check = await checkGroup({
    gid,
    servers: gid === CONTROLLERS_GID ? cluster.controllers : cluster.addressesOf(gid),
    dialer: cluster.dialer,
    clock: systemClock,
    prng: createPrng(randomSeed()),
    timeoutMs: TIMEOUT_MS,
  });
  if (check.replicas.some(({ result }) => result === "differs")) {
    throw new Violation(EQUAL, describe(check));
  }
  return check;
}

function isComplete({ replicas }: GroupCheck): boolean {
  return replicas.every(({ result }) => result === "equal");
}

function describe({ replicas }: GroupCheck): string {
  return replicas.map(({ address, result, index, hash, error }) =>
    `${address} ${result} at ${index} ${hash?.slice(0, 12) ?? error?.message}`
  ).join("; ");
}
