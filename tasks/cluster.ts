/**
 * `deno task cluster`: a whole cluster on this machine, every node a process of its own. Stops on
 * Ctrl-C with nothing left running; started again, it goes on with the same data.
 */
import { resolve } from "node:path";
import { checkDenoVersion } from "../runtime/version.ts";
import { KvError } from "../rpc/errors.ts";
import { ClusterAdmin, type Coverage } from "./cluster/cluster_admin.ts";
import { ClusterDirectory, DirectoryError } from "./cluster/cluster_directory.ts";
import { ClusterProcesses } from "./cluster/cluster_processes.ts";
import { TimeoutError } from "./cluster/deadline.ts";
import { createLogView } from "./cluster/log_view.ts";
import { NotReadyError } from "./cluster/node_process.ts";
import { type ClusterOptions, parseClusterOptions } from "./cluster/options.ts";
import {
  allNodes,
  type ClusterPlan,
  type NodePlan,
  planCluster,
  planDashboard,
} from "./cluster/plan.ts";
import { checkPorts, dashboardPort, PortError } from "./cluster/ports.ts";
import {
  describeCluster,
  describeDashboard,
  describeDeath,
  describeGap,
  nextCommands,
} from "./cluster/report.ts";
import { StopRequest } from "./cluster/stop_request.ts";
import { complain, runTask } from "./run_task.ts";

/** Elections, joins and the first configuration take about three seconds. */
const SERVED_TIMEOUT_MS = 120_000;
/** A cluster that is started again elects its leaders in seconds; what takes longer may never come. */
const SERVED_AGAIN_TIMEOUT_MS = 30_000;
/** Time for the servers to go by themselves. */
const GRACE_MS = 10_000;

const encoder = new TextEncoder();

function say(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text));
}

/** Starts the processes, makes the cluster serve, and follows it until somebody asks to stop. */
async function run(options: ClusterOptions, db: string, stopRequest: StopRequest): Promise<void> {
  const plan = planCluster(options, db);
  // First, or a new directory would hold on to ports that are taken.
  checkPorts(plan);
  const dashboard = options.dashboard &&
    planDashboard(plan.controllers, dashboardPort(options.dashboard));
  const directory = await ClusterDirectory.open(db, options);
  const nodes = [...allNodes(plan), ...(dashboard === undefined ? [] : [dashboard])];
  const view = createNodeView(nodes, options.quiet);
  const processes = new ClusterProcesses(plan, {
    db,
    onLine: view.line,
    onDeath: (node, status) => complain(describeDeath(nodes, node, status, howToStartDeno())),
  });
  try {
    const up = bringUp({ plan, dashboard, options }, processes, directory);
    // Losing the race is no reason to leave a rejection behind.
    up.catch(() => {});
    await Promise.race([up, stopRequest.stop]);
    if (!stopRequest.requested) view.follow();
    await stopRequest.stop;
    say("Stopping\n");
  } finally {
    const insisted = stopRequest.insist.then(() => processes.stop(0));
    insisted.catch(() => {});
    const killed = await processes.stop(GRACE_MS);
    if (killed.length > 0) complain(`Killed what did not stop by itself: ${killed.join(", ")}`);
  }
}

interface Layout {
  readonly plan: ClusterPlan;
  readonly dashboard: NodePlan | undefined;
  readonly options: ClusterOptions;
}

/** From nothing to a cluster that serves, and that can be looked at. */
async function bringUp(
  { plan, dashboard, options }: Layout,
  processes: ClusterProcesses,
  directory: ClusterDirectory,
): Promise<void> {
  const startedAt = performance.now();
  const groups = plan.groups.length === 1 ? "1 group" : `${plan.groups.length} groups`;
  say(`Starting ${plan.controllers.length} controllers and ${groups}\n`);
  await processes.start();
  const admin = new ClusterAdmin(plan);
  try {
    const isNew = !directory.joined;
    if (isNew) {
      const joined = await admin.joinMissing();
      if (joined.length > 0) {
        say(`Joined group${joined.length === 1 ? "" : "s"} ${joined.join(", ")}\n`);
      }
      await directory.rememberJoined();
    }
    const coverage = await (isNew ? admin.served(SERVED_TIMEOUT_MS) : servedAgain(admin));
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const { config, served } = coverage;
    if (served < config.shards.length) complain(describeGap(coverage, plan, howToStartDeno()));
    else say(`All ${served} shards are served after ${seconds} s\n\n`);
    say(`${describeCluster(plan, config)}\n`);
    if (dashboard !== undefined) await showDashboard(dashboard, processes, options);
    say(`${nextCommands(plan, howToStartDeno())}\n`);
  } finally {
    await admin.close();
  }
}

/**
 * Waits for a cluster that served before, but not for ever: what it lacks may be a group that was
 * joined and is not there, and whoever mends that needs the cluster.
 */
async function servedAgain(admin: ClusterAdmin): Promise<Coverage> {
  try {
    return await admin.served(SERVED_AGAIN_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    return await admin.coverage();
  }
}

/** A cluster without its dashboard is still a cluster. */
async function showDashboard(
  dashboard: NodePlan,
  processes: ClusterProcesses,
  options: ClusterOptions,
): Promise<void> {
  try {
    await processes.start([dashboard]);
    say(`${describeDashboard(dashboard, options)}\n`);
  } catch (error) {
    if (!(error instanceof NotReadyError)) throw error;
    complain(error.message);
  }
}

/** Under npx there may be no `deno` to type. */
function howToStartDeno(): string {
  return Deno.env.get("npm_command") === "exec" ? `npx -y deno@${Deno.version.deno}` : "deno";
}

/** Keeps the nodes' lines back until the table is shown, so that it does not scroll away. */
function createNodeView(nodes: readonly NodePlan[], quiet: boolean) {
  const labels = nodes.map((node) => node.label);
  const show = createLogView(labels, say, Deno.stdout.isTerminal() && !Deno.noColor);
  let following = false;
  return {
    line(label: string, line: string): void {
      if (following && !quiet) show(label, line);
    },
    follow(): void {
      following = true;
    },
  };
}

/** An error that says all there is to say; a stack would only hide it. */
function isExpected(error: unknown): error is Error {
  return error instanceof DirectoryError || error instanceof PortError ||
    error instanceof NotReadyError || error instanceof KvError || error instanceof TimeoutError;
}

async function start(args: readonly string[]): Promise<void> {
  const options = parseClusterOptions(args);
  using stopRequest = new StopRequest();
  if (options.db !== undefined) return await run(options, resolve(options.db), stopRequest);
  const db = await Deno.makeTempDir({ prefix: "eraft_cluster_" });
  try {
    await run(options, db, stopRequest);
  } finally {
    await Deno.remove(db, { recursive: true });
  }
}

async function main(args: readonly string[]): Promise<number> {
  try {
    checkDenoVersion();
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return 1;
  }
  return await runTask(() => start(args), isExpected);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
