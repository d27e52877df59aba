/**
 * `deno task measure:idle -minutes 10`: what a cluster costs that nobody uses. No log may grow and
 * nothing may be written; processor time and memory are told.
 */
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { groupStatus } from "../../client/status/node_status.ts";
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import { systemClock } from "../../runtime/clock.ts";
import { valueFlag } from "../../runtime/flag_types.ts";
import { defineFlags } from "../../runtime/flags.ts";
import { createPrng, randomSeed } from "../../runtime/prng.ts";
import { formatTable } from "../../runtime/table.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { allNodes } from "../../tasks/cluster/plan.ts";
import { TestCluster } from "./cluster_harness.ts";
import { changedFiles, fileStates, type ProcessUsage, processUsage } from "./process_usage.ts";
import { parseOrExit } from "./tool_flags.ts";

const GROUPS = 2;
const REPLICAS = 3;
const SETTLE_TIMEOUT_MS = 60_000;
/** A cluster whose logs stand still this long has done all that there was to do. */
const QUIET_MS = 3_000;
/** What holds keys and log entries; RocksDB keeps a diary of its own (LOG) beside it. */
const DATA_FILE = /\.(log|sst|journal)$/;

/** What one node has used while nobody used it. */
export interface IdleNode {
  readonly label: string;
  /** Of one processor. */
  readonly cpuPercent: number;
  readonly residentBytesBefore: number;
  readonly residentBytesAfter: number;
  /** Entries. */
  readonly logGrowth: number;
  readonly termGrowth: number;
  /** Files in the node's directory that came, went or were written. */
  readonly changedFiles: readonly string[];
}

/** One node at one moment. */
interface NodeSample extends LogPosition {
  readonly usage: ProcessUsage;
  readonly files: ReadonlyMap<string, string>;
}

interface LogPosition {
  readonly term: number;
  readonly logFirstIndex: number;
  readonly logLastIndex: number;
}

/**
 * Leaves a cluster of its own alone for a while.
 *
 * @throws {Error} When the cluster does not come to rest before, or a server dies
 */
export async function measureIdle(ms: number): Promise<IdleNode[]> {
  await using cluster = await TestCluster.start({ groups: GROUPS, replicas: REPLICAS });
  await cluster.clerk.put("key", "value");
  // Whoever keeps a connection keeps the servers awake.
  await cluster.clerk.close();
  await cluster.admin.close();
  await settled(cluster);
  const start = performance.now();
  const before = await sample(cluster);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const seconds = (performance.now() - start) / 1000;
  const after = await sample(cluster);
  if (cluster.deaths.length > 0) throw new Error(`Servers died: ${cluster.deaths.join("\n")}`);
  return cluster.labels.map((label) => {
    const [was, is] = [before.get(label), after.get(label)];
    if (was === undefined || is === undefined) throw new Error(`Node ${label} does not answer`);
    return compare(label, was, is, seconds);
  });
}

function compare(label: string, was: NodeSample, is: NodeSample, seconds: number): IdleNode {
  return {
    label,
    cpuPercent: 100 * (is.usage.cpuSeconds - was.usage.cpuSeconds) / seconds,
    residentBytesBefore: was.usage.residentBytes,
    residentBytesAfter: is.usage.residentBytes,
    logGrowth: is.logLastIndex - was.logLastIndex,
    termGrowth: is.term - was.term,
    changedFiles: changedFiles(was.files, is.files),
  };
}

/** Waits until no log has moved for a while. */
async function settled(cluster: TestCluster): Promise<void> {
  let last = "";
  let since = performance.now();
  await until(
    () => `logs still grow: ${last}`,
    SETTLE_TIMEOUT_MS,
    async () => {
      const positions = await logPositions(cluster);
      const now = JSON.stringify([...positions]);
      if (now !== last || positions.size < cluster.labels.length) since = performance.now();
      last = now;
      return performance.now() - since >= QUIET_MS || undefined;
    },
    500,
  );
}

async function sample(cluster: TestCluster): Promise<Map<string, NodeSample>> {
  const samples = new Map<string, NodeSample>();
  // First what the asking itself would change.
  const used = new Map<string, ProcessUsage>();
  for (const { label, pid } of cluster.processes.processes) {
    used.set(label, await processUsage(pid));
  }
  const positions = await logPositions(cluster);
  for (const { label, directory } of allNodes(cluster.plan)) {
    const usage = used.get(label);
    const position = positions.get(label);
    if (usage === undefined || position === undefined) continue;
    samples.set(label, { ...position, usage, files: await fileStates(directory) });
  }
  return samples;
}

/** Where the log of each node that answers is, by label; leaves no connection behind. */
async function logPositions(cluster: TestCluster): Promise<Map<string, LogPosition>> {
  await using dialer = new GrpcDialer();
  const clerk = new CtrlerClerk({
    controllers: cluster.controllers,
    dialer,
    clock: systemClock,
    prng: createPrng(randomSeed()),
  });
  const controllers = await clerk.status();
  const replicas = await groupStatus(await clerk.query(), dialer);
  clerk.close();
  const positions = new Map<string, LogPosition>();
  const states = new Map([...controllers, ...replicas].map((state) => [state.address, state]));
  for (const { label, address } of allNodes(cluster.plan)) {
    const state = states.get(address);
    if (state === undefined || state.role === "Offline") continue;
    const { term, logFirstIndex, logLastIndex } = state;
    positions.set(label, { term, logFirstIndex, logLastIndex });
  }
  return positions;
}

/** What is wrong with the nodes, in words; undefined if nothing is. */
export function complaint(nodes: readonly IdleNode[]): string | undefined {
  const complaints = nodes.flatMap(({ label, logGrowth, changedFiles }) => {
    const written = changedFiles.filter((name) => DATA_FILE.test(name));
    return [
      ...(logGrowth === 0 ? [] : [`The log of ${label} moved by ${logGrowth} entries`]),
      ...(written.length === 0 ? [] : [`Node ${label} has written ${written.join(", ")}`]),
    ];
  });
  return complaints.length === 0 ? undefined : complaints.join("\n");
}

function describe(nodes: readonly IdleNode[]): string {
  const mebibytes = (bytes: number) => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
  const rows = nodes.map((node) => [
    node.label,
    `${node.cpuPercent.toFixed(2)} %`,
    String(node.logGrowth),
    String(node.termGrowth),
    mebibytes(node.residentBytesBefore),
    mebibytes(node.residentBytesAfter),
    node.changedFiles.join(" ") || "none",
  ]);
  const head = ["NODE", "CPU", "LOG", "TERMS", "RSS BEFORE", "RSS AFTER", "FILES WRITTEN"];
  return formatTable(head, rows);
}

if (import.meta.main) {
  const flags = defineFlags("idle", {
    minutes: valueFlag({
      default: 10,
      placeholder: "number",
      help: "leave the cluster alone this long",
      defaultText: "10",
      parse: parseMinutes,
    }),
  });
  const { values } = parseOrExit(() => flags.parse(Deno.args));
  const nodes = await measureIdle(values.minutes * 60_000);
  const encoder = new TextEncoder();
  Deno.stdout.writeSync(encoder.encode(describe(nodes)));
  const text = complaint(nodes);
  if (text !== undefined) {
    Deno.stderr.writeSync(encoder.encode(`${text}\n`));
    Deno.exit(1);
  }
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (text.trim() !== "" && minutes > 0 && minutes <= 24 * 60) return minutes;
  throw new RangeError("must be above 0 and at most 1440");
}
