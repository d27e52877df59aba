/** `shardkvclient bench`, the program itself, time and again on the same cluster. */
import { SHARDS_DEFAULT } from "../../../shardctrler/configuration/config.ts";
import { TestCluster } from "../../../tests/e2e/cluster_harness.ts";
import { runProgram } from "../../../tests/e2e/command_line.ts";
import { writtenBytes } from "../../../tests/e2e/process_usage.ts";
import type { EnduranceRun } from "./endurance.ts";

export interface EnduranceOptions {
  /** Of one run. */
  readonly requests: number;
  /** For each number of callers. */
  readonly runs: number;
  readonly directory: string | undefined;
  readonly onRun: (run: EnduranceRun) => void;
}

/** What is asked for in the check. */
const CALLERS = [64, 256];

/** The part of the program's answer that counts. */
interface Answer {
  readonly bench: {
    readonly successful: number;
    readonly failed: number;
    readonly throughput: number;
    readonly latencyMs: { readonly p99: number };
  };
}

/**
 * @returns The runs of each number of callers, in their order
 * @throws {Error} When a run does not come to its end, or a server dies
 */
export async function measureEndurance(options: EnduranceOptions): Promise<EnduranceRun[][]> {
  const { directory, runs } = options;
  // As the quick start has it.
  await using cluster = await TestCluster.start({ groups: 2, shards: SHARDS_DEFAULT, directory });
  const series: EnduranceRun[][] = [];
  for (const callers of CALLERS) {
    const done: EnduranceRun[] = [];
    for (let i = 0; i < runs; i++) done.push(await benchOnce(cluster, callers, options));
    series.push(done);
  }
  if (cluster.deaths.length > 0) throw new Error(`Servers died: ${cluster.deaths.join("\n")}`);
  return series;
}

async function benchOnce(
  cluster: TestCluster,
  callers: number,
  { requests, onRun }: EnduranceOptions,
): Promise<EnduranceRun> {
  const pids = cluster.pids();
  const before = await writtenBytes(pids);
  const flags = ["-ctrlers", cluster.controllers.join(","), "-o", "json"];
  const words = ["bench", String(requests), String(callers)];
  const { stdout, stderr } = await runProgram("client/shardkvclient.ts", ...flags, ...words);
  if (stdout === "") throw new Error(`Cannot bench: ${stderr}`);
  const { successful, failed, throughput, latencyMs } = (JSON.parse(stdout) as Answer).bench;
  const run = {
    callers,
    puts: successful + failed,
    failed,
    perSecond: throughput,
    p99Ms: latencyMs.p99,
    writtenBytes: await writtenBytes(pids) - before,
  };
  onRun(run);
  return run;
}
