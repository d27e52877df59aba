/**
 * `deno task measure:failover -times 50`: how long writes stand still when the leader of a group is
 * killed. Real processes, default ticks, a writer that never rests, and nothing may be lost.
 */
import type { NodeStatus } from "../../client/status/node_status.ts";
import { defineFlags, intFlag } from "../../runtime/flags.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { TestCluster } from "./cluster_harness.ts";
import { SteadyWriter } from "./steady_writer.ts";
import { parseOrExit } from "./tool_flags.ts";

const GID = 100;
const REPLICAS = 3;
/** Writes under way at any time. */
const LANES = 4;
const HEALTHY_TIMEOUT_MS = 60_000;
/** So long may 99 of 100 failovers keep writes waiting. */
const P99_MS_MAX = 2_000;

/** One leader killed. */
export interface Failover {
  readonly killed: string;
  /** From the kill to the acknowledgement of a write that was sent right after it. */
  readonly ms: number;
}

export interface FailoverResult {
  readonly failovers: readonly Failover[];
  /** Writes that were acknowledged in all. */
  readonly acknowledged: number;
  /** Keys of acknowledged writes that were not there at the end. */
  readonly missing: readonly string[];
}

/**
 * Kills the leader of a group again and again on a cluster of its own.
 *
 * @throws {Error} When a write fails, the group does not recover, or a server dies by itself
 */
export async function measureFailover(
  times: number,
  onFailover: (failover: Failover) => void = () => {},
): Promise<FailoverResult> {
  await using cluster = await TestCluster.start({ groups: 1, replicas: REPLICAS });
  const writer = new SteadyWriter(cluster.clerk, LANES);
  const failovers: Failover[] = [];
  try {
    for (let round = 0; round < times; round++) {
      const failover = await killLeader(cluster, writer);
      failovers.push(failover);
      onFailover(failover);
      await cluster.restart([failover.killed]);
    }
    await healthy(cluster);
  } finally {
    await writer.stop();
  }
  if (cluster.deaths.length > 0) throw new Error(`Servers died: ${cluster.deaths.join("\n")}`);
  return { failovers, acknowledged: writer.acknowledged, missing: await writer.missing() };
}

async function killLeader(cluster: TestCluster, writer: SteadyWriter): Promise<Failover> {
  const killed = await healthy(cluster);
  const start = performance.now();
  const gone = cluster.crash([killed]);
  await writer.writeNow();
  const ms = performance.now() - start;
  await gone;
  return { killed, ms };
}

/** Waits until all replicas follow one leader and have caught up; returns the leader's label. */
async function healthy(cluster: TestCluster): Promise<string> {
  let goal = Infinity;
  let seen = "";
  return await until(
    () => `group ${GID} is not whole: ${seen}`,
    HEALTHY_TIMEOUT_MS,
    async () => {
      const replicas = (await cluster.admin.status()).filter(({ gid }) => gid === GID);
      seen = replicas.map(({ id, role, applied }) => `${id} ${role} at ${applied}`).join(", ");
      const leader = leaderOfAll(replicas);
      // Writes go on: having caught up means to have what was committed a look ago.
      if (leader !== undefined && replicas.every(({ applied }) => applied >= goal)) {
        return `${GID}-${leader.id}`;
      }
      if (leader !== undefined) goal = Math.min(goal, leader.commit);
      return undefined;
    },
  );
}

/** The leader that all replicas agree on, if there is one. */
function leaderOfAll(replicas: readonly NodeStatus[]): NodeStatus | undefined {
  const leader = replicas.find(({ role }) => role === "Leader");
  const agree = leader !== undefined && replicas.length === REPLICAS &&
    replicas.every(({ term, leaderAddress }) =>
      term === leader.term && leaderAddress === leader.address
    );
  return agree ? leader : undefined;
}

/** The value that so many per cent of all values do not exceed; NaN if there are none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? NaN;
}

/** What is wrong with the result, in words; undefined if nothing is. */
export function complaint({ failovers, missing }: FailoverResult): string | undefined {
  if (missing.length > 0) {
    return `Lost ${missing.length} acknowledged writes: ${missing.slice(0, 10).join(", ")}`;
  }
  const p99 = percentile(failovers.map(({ ms }) => ms), 99);
  return p99 > P99_MS_MAX
    ? `Writes stood still for ${Math.round(p99)} ms (p99): at most ${P99_MS_MAX} are allowed`
    : undefined;
}

function summary({ failovers, acknowledged, missing }: FailoverResult): string {
  const times = failovers.map(({ ms }) => ms);
  const figures = [50, 90, 99, 100].map((percent) => {
    const name = percent === 100 ? "max" : `p${percent}`;
    return `${name} ${Math.round(percentile(times, percent))} ms`;
  });
  return `${failovers.length} failovers: ${figures.join(", ")}\n` +
    `${acknowledged} writes were acknowledged, ${missing.length} of them are missing\n`;
}

if (import.meta.main) {
  const flags = defineFlags("failover", {
    times: intFlag({ default: 50, min: 1, help: "kill the leader `number` times" }),
  });
  const { values } = parseOrExit(() => flags.parse(Deno.args));
  const encoder = new TextEncoder();
  const print = (text: string) => void Deno.stdout.writeSync(encoder.encode(text));
  let round = 0;
  const result = await measureFailover(
    values.times,
    ({ killed, ms }) => print(`${++round}\t${killed}\t${Math.round(ms)} ms\n`),
  );
  print(summary(result));
  const text = complaint(result);
  if (text !== undefined) {
    Deno.stderr.writeSync(encoder.encode(`${text}\n`));
    Deno.exit(1);
  }
}
