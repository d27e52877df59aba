/** What the user sees when the cluster is up. */
import { formatTable } from "../../runtime/table.ts";
import { type Config, CONTROLLERS_GID } from "../../shardctrler/configuration/config.ts";
import type { Coverage } from "./cluster_admin.ts";
import type { NodeProcess } from "./node_process.ts";
import type { ClusterOptions } from "./options.ts";
import { allNodes, type ClusterPlan, type NodePlan } from "./plan.ts";

/** eRaft's default addresses: the clients find these without being told. */
const DEFAULT_CONTROLLERS_PORT = 50_051;

/** Who listens where, and how many shards each group serves. */
export function describeCluster(plan: ClusterPlan, config: Config): string {
  const role = (node: NodePlan) =>
    node.gid === CONTROLLERS_GID ? "controller" : `group ${node.gid}`;
  const shards = (node: NodePlan) =>
    node.gid === CONTROLLERS_GID
      ? ""
      : String(config.shards.filter((gid) => gid === node.gid).length);
  const rows = allNodes(plan).map((node) => [
    node.label,
    role(node),
    node.address,
    shards(node),
    node.directory,
  ]);
  return formatTable(["NODE", "ROLE", "ADDRESS", "SHARDS", "DATA"], rows);
}

/** That shards are not served, and how to find out why. */
export function describeGap(
  { config, served }: Coverage,
  plan: ClusterPlan,
  deno: string,
): string {
  return `Only ${served} of ${config.shards.length} shards are served; ` +
    `'${deno} task ${ctrlCommand(plan)} moves' tells which groups are waited for`;
}

/** Where the dashboard is, and that it is not where it usually is. */
export function describeDashboard(
  { address }: NodePlan,
  { dashboard }: Pick<ClusterOptions, "dashboard">,
): string {
  const usual = dashboard?.port;
  const moved = usual === undefined || address.endsWith(`:${usual}`)
    ? ""
    : ` (port ${usual} is taken; -dashboard-port chooses another)`;
  return `Dashboard: http://${address}${moved}\n`;
}

/**
 * Commands to try next, to be typed in another terminal.
 *
 * @param deno What starts Deno there: `deno` or `npx -y deno@2.9.3`
 */
export function nextCommands(plan: ClusterPlan, deno: string): string {
  const controllers = unusualControllers(plan);
  const client = controllers === undefined ? "client" : `client -ctrlers ${controllers}`;
  return [
    "Try in another terminal:",
    `  ${deno} task ${client} put mykey myvalue`,
    `  ${deno} task ${client} get mykey`,
    `  ${deno} task ${client} status`,
    `  ${deno} task ${client} bench 1000`,
    `  ${deno} task ${ctrlCommand(plan)} query`,
    "Ctrl-C here stops everything.",
    "",
  ].join("\n");
}

function ctrlCommand(plan: ClusterPlan): string {
  const controllers = unusualControllers(plan);
  return controllers === undefined ? "ctrl" : `ctrl -cluster ${controllers}`;
}

/** The controllers' addresses; undefined where the clients find them without being told. */
function unusualControllers({ controllers }: ClusterPlan): string | undefined {
  const addresses = controllers.map((node) => node.address);
  const isUsual = addresses[0]?.endsWith(`:${DEFAULT_CONTROLLERS_PORT}`) === true;
  return isUsual ? undefined : addresses.join(",");
}

/** A node that ended by itself. */
export type DeadNode = Pick<NodeProcess, "label" | "pid" | "lastLines">;

/**
 * That a node ended by itself, what it said last, and how to start it again.
 *
 * @param deno As for {@linkcode nextCommands}
 */
export function describeDeath(
  nodes: readonly NodePlan[],
  node: DeadNode,
  status: Pick<Deno.CommandStatus, "code" | "signal">,
  deno: string,
): string {
  const how = status.signal === null ? `with code ${status.code}` : `by ${status.signal}`;
  const said = node.lastLines.slice(-DEATH_LINES).map((line) => `\n  ${line}`).join("");
  return `Node ${node.label} (pid ${node.pid}) ended ${how}; the others go on${said}\n` +
    `Start it again in another terminal:\n  ${restartCommand(nodes, node.label, deno)}`;
}

/** Last lines of a dead node that are worth repeating. */
const DEATH_LINES = 5;

function restartCommand(nodes: readonly NodePlan[], label: string, deno: string): string {
  const node = nodes.find((candidate) => candidate.label === label);
  return node === undefined
    ? ""
    : `${deno} run -A ${[node.main, ...node.args].map(shellWord).join(" ")}`;
}

/** Text as a shell takes it for one word. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
