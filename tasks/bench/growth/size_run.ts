/** One number of keys on a cluster of its own: loaded, restarted, moved, copied to a new member. */
import { Bench, type BenchLoad } from "../../../client/bench/bench.ts";
import { MemberClerk } from "../../../client/member_clerk.ts";
import type { NodeStatus } from "../../../client/status/node_status.ts";
import { GrpcDialer } from "../../../rpc/grpc/grpc_dialer.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { type Config, SHARDS_DEFAULT } from "../../../shardctrler/configuration/config.ts";
import { TestCluster } from "../../../tests/e2e/cluster_harness.ts";
import { residentBytes } from "../../../tests/e2e/memory.ts";
import { planNewMember } from "../../../tests/e2e/new_member.ts";
import { writtenBytes } from "../../../tests/e2e/process_usage.ts";
import { until } from "../../cluster/deadline.ts";
import { meanOf, median } from "../measurement.ts";
import type { MoveFigures, SizeFigures } from "./size_figures.ts";

export interface SizeRunOptions {
  readonly keys: number;
  readonly valueBytes: number;
  readonly directory: string | undefined;
  /** Told what comes next. */
  readonly onStep: (text: string) => void;
}

/** Holds all keys, and gives half of its shards to the other for a while. */
const GID = 100;
const OTHER_GID = 101;
const REPLICAS = 3;
/** A new member must need a snapshot, however few keys there are. */
const RETAINED_ENTRIES = 256;
/** Writes one by one, so that as many entries again are there to be dropped from the log. */
const ENTRIES_TO_DROP = 3 * RETAINED_ENTRIES;
/** Restarts, of which the median counts. */
const RESTARTS = 3;
/** Ten million keys take their time. */
const STEP_TIMEOUT_MS = 3_600_000;
/** Between two looks at what is being timed. */
const POLL_MS = 20;

/** @throws {Error} When a step does not come to its end, or a server dies */
export async function measureSize(options: SizeRunOptions): Promise<SizeFigures> {
  const { keys, directory, onStep } = options;
  await using cluster = await TestCluster.start({
    groups: 2,
    replicas: REPLICAS,
    shards: SHARDS_DEFAULT,
    directory,
    replicaFlags: ["-retained-entries", String(RETAINED_ENTRIES)],
  });
  await move(cluster, () => cluster.admin.leave([OTHER_GID]));
  const emptyResidentBytes = await meanResidentBytes(cluster);
  onStep("loading");
  const loaded = await load(cluster, options);
  const storageBytes = meanOf((await replicas(cluster)).map((status) => status.storageBytes));
  const resident = await meanResidentBytes(cluster);
  onStep("restarting a replica");
  const restarts = [];
  for (let i = 0; i < RESTARTS; i++) restarts.push(await restart(cluster));
  onStep("moving shards");
  const join = await move(cluster, () => cluster.admin.joinMissing());
  const leave = await move(cluster, () => cluster.admin.leave([OTHER_GID]));
  onStep("adding a member");
  await bench(cluster, options, { mode: "put", requests: ENTRIES_TO_DROP }).run();
  const newMemberMs = await addMember(cluster);
  if (cluster.deaths.length > 0) throw new Error(`Servers died: ${cluster.deaths.join("\n")}`);
  return {
    keys,
    ...loaded,
    emptyResidentBytes,
    residentBytes: resident,
    storageBytes,
    listenMs: median(restarts.map(({ listenMs }) => listenMs)),
    caughtUpMs: median(restarts.map(({ caughtUpMs }) => caughtUpMs)),
    join,
    leave,
    newMemberMs,
  };
}

async function load(
  cluster: TestCluster,
  options: SizeRunOptions,
): Promise<{ loadMs: number; writtenBytes: number }> {
  const pids = cluster.pids();
  const before = await writtenBytes(pids);
  const loadMs = await timed(() => bench(cluster, options, { mode: "get" }).load());
  return { loadMs, writtenBytes: await writtenBytes(pids) - before };
}

/** Kills a follower and starts it again. */
async function restart(cluster: TestCluster): Promise<{ listenMs: number; caughtUpMs: number }> {
  const leader = await cluster.leaderOf(GID);
  const group = cluster.plan.groups.find(({ gid }) => gid === GID);
  const victim = group?.nodes.find(({ label }) => label !== leader);
  if (victim === undefined) throw new Error(`Cannot restart a follower: ${leader} is alone`);
  await cluster.crash([victim.label]);
  const commit = Math.max(...(await replicas(cluster)).map((status) => status.commit));
  const start = performance.now();
  await cluster.restart([victim.label]);
  const listenMs = performance.now() - start;
  await until(`${victim.label} does not catch up`, STEP_TIMEOUT_MS, async () => {
    const status = (await replicas(cluster)).find(({ id }) => id === victim.id);
    return status !== undefined && status.applied >= commit || undefined;
  }, POLL_MS);
  return { listenMs, caughtUpMs: performance.now() - start };
}

/** Times a change of the configuration until every shard is served where it belongs. */
async function move(cluster: TestCluster, change: () => Promise<unknown>): Promise<MoveFigures> {
  const { config: before } = await cluster.admin.served(STEP_TIMEOUT_MS);
  let after: Config = before;
  const ms = await timed(async () => {
    await change();
    after = (await cluster.admin.served(STEP_TIMEOUT_MS)).config;
  });
  return { shards: after.shards.filter((gid, i) => gid !== before.shards[i]).length, ms };
}

/** Starts a member with an empty disk and waits until it lacks nothing. */
async function addMember(cluster: TestCluster): Promise<number> {
  await using dialer = new GrpcDialer();
  const group = cluster.plan.groups.find(({ gid }) => gid === GID);
  const servers = group?.nodes.map(({ address }) => address) ?? [];
  const members = new MemberClerk({ servers, dialer, clock: systemClock, prng: createPrng(1) });
  const node = planNewMember(cluster.plan, GID, REPLICAS);
  await members.add(node.address);
  const ms = await timed(async () => {
    await cluster.processes.start([node]);
    await until("the new member does not catch up", STEP_TIMEOUT_MS, async () => {
      const member = (await members.list()).find(({ id }) => id === node.id);
      return member?.lag === 0 || undefined;
    }, POLL_MS);
  });
  members.close();
  return ms;
}

function bench(
  { clerk }: TestCluster,
  { keys, valueBytes }: SizeRunOptions,
  { mode, requests }: Pick<BenchLoad, "mode"> & { readonly requests?: number },
): Bench {
  return new Bench({
    mode,
    requests,
    durationMs: undefined,
    ratePerSecond: undefined,
    clients: 1,
    readRatio: 0,
    keys,
    valueBytes,
    clerk,
    clock: systemClock,
    prng: createPrng(1),
  });
}

/** Of the group that holds the keys. */
async function replicas(cluster: TestCluster): Promise<NodeStatus[]> {
  return (await cluster.admin.status()).filter(({ gid }) => gid === GID);
}

async function meanResidentBytes(cluster: TestCluster): Promise<number> {
  return meanOf(await Promise.all(cluster.pids(GID).map(residentBytes)));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
