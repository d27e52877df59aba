/** The second phase of a run: everything is made well, and the system has to get well too. */
import { KvError } from "../../rpc/errors.ts";
import type { VirtualClock } from "../../runtime/virtual_clock.ts";
import type { Config } from "../../shardctrler/configuration/config.ts";
import { LivenessFailure } from "./failure.ts";
import type { ObserverHub } from "./observer_hub.ts";
import type { SimCluster } from "./sim_cluster.ts";
import type { SimNode } from "./sim_node.ts";

export interface RecoveryParts {
  readonly cluster: SimCluster;
  readonly clock: VirtualClock;
  readonly hub: ObserverHub;
  /** Virtual time for each thing that is waited for. */
  readonly limitMs: number;
}

/** Time lets pass between two looks at what is waited for. */
const STEP_MS = 20;

/** Starts what is down, and takes every fault back. */
export function heal({ cluster, hub }: Pick<RecoveryParts, "cluster" | "hub">): void {
  cluster.network.heal();
  for (const node of cluster.nodes) {
    node.disk.slowDown(0);
    node.clock.set(1, 0);
    node.resume();
    node.start();
  }
  hub.tell((all) => all.healed());
}

/**
 * Lets time pass until a condition holds, or the run has failed otherwise.
 *
 * @param lacks What is still missing; empty once nothing is
 * @throws {LivenessFailure} When time runs out
 */
export async function waitUntil(parts: RecoveryParts, lacks: () => string): Promise<void> {
  const { clock, hub, limitMs } = parts;
  const endMs = clock.now() + limitMs;
  for (let missing = lacks(); missing !== "" && hub.failure === undefined; missing = lacks()) {
    if (clock.now() >= endMs) {
      const states = parts.cluster.nodes.map(describeNode).join("\n");
      throw new LivenessFailure(`After ${limitMs} ms without faults ${missing}\n${states}`);
    }
    await clock.advance(STEP_MS);
  }
}

/** Lets time pass until the call ends; tries again what failed. */
export async function insist<T>(
  parts: RecoveryParts,
  what: string,
  call: () => Promise<T>,
): Promise<T | undefined> {
  let value: { readonly got: T } | undefined;
  let last = "it has not ended";
  let isUnderWay = false;
  const attempt = () => {
    isUnderWay = true;
    call().then((got) => {
      value = { got };
    }).catch((error) => {
      if (!(error instanceof KvError)) parts.hub.fail(error);
      last = String(error);
    }).finally(() => {
      isUnderWay = false;
    });
  };
  await waitUntil(parts, () => {
    if (value !== undefined) return "";
    if (!isUnderWay) attempt();
    return `${what} does not succeed: ${last}`;
  });
  return value?.got;
}

/** What keeps the groups from resting in the configuration; empty once they do. */
export function unsettled(cluster: SimCluster, config: Config): string {
  for (const node of cluster.survivors.flat()) {
    const { view } = node;
    if (view === undefined) return `${node.address} is not loaded`;
    if (view.machine.kind === "controller") continue;
    const { config: { num }, shards } = view.machine.machine.ownership;
    if (num !== config.num) return `${node.address} is in configuration ${num}, not ${config.num}`;
    for (const { shard, status } of shards.values()) {
      if (status !== "Serving" && status !== "Frozen") {
        return `shard ${shard} at ${node.address} is ${status}`;
      }
    }
  }
  const gids = [...config.groups.keys()];
  return gids.map((gid) => unlisted(cluster.membersOf(gid), config)).find((it) => it !== "") ?? "";
}

/**
 * Whether a group still has to say who its servers are. One whose members never
 * changed keeps those it was joined with; a change may have been made although
 * whoever asked for it was not told.
 */
function unlisted(nodes: readonly SimNode[], { groups }: Config): string {
  const leader = nodes.find(({ view }) => view?.status().role === "leader");
  const listed = groups.get(leader?.gid ?? 0);
  const roster = leader?.roster;
  if (leader === undefined || roster === undefined || listed === undefined) return "";
  const { conf: { voters, votersOutgoing }, members, firstMembers, nextId } = roster;
  if (votersOutgoing.length > 0) return `members of group ${leader.gid} are changing`;
  const firstIds = firstMembers.map(({ id }) => id);
  const isAsFirst = nextId === Math.max(...firstIds) + 1 && members.length === firstIds.length;
  if (isAsFirst) return "";
  const addresses = members.filter(({ id }) => voters.includes(id)).map(({ address }) => address);
  const isSame = addresses.length === listed.length &&
    addresses.every((address) => listed.includes(address));
  return isSame ? "" : `group ${leader.gid} is listed with ${listed}, not with ${addresses}`;
}

/** What keeps the replicas of each group from being equal; empty once they are. */
export function unequal(cluster: SimCluster): string {
  for (const nodes of cluster.survivors) {
    const lag = lagOf(nodes);
    if (lag !== "") return lag;
  }
  return "";
}

function lagOf(nodes: readonly SimNode[]): string {
  const statuses = nodes.map((node) => ({ node, status: node.view?.status() }));
  const leaders = statuses.filter(({ status }) => status?.role === "leader");
  const leader = leaders[0]?.status;
  if (leader === undefined || leaders.length > 1) {
    return `the group of ${nodes[0]?.address} has ${leaders.length} leaders`;
  }
  for (const { node, status } of statuses) {
    if (status === undefined || status.term !== leader.term) {
      return `${node.address} does not follow`;
    }
    if (status.applied !== leader.lastIndex || status.lastIndex !== leader.lastIndex) {
      return `${node.address} has applied ${status.applied} of ${leader.lastIndex}`;
    }
  }
  return "";
}

/** A node at a glance, for whoever looks into a system that does not get well. */
function describeNode({ address, isLost, isRetired, view }: SimNode): string {
  const marks = `${isLost ? " lost" : ""}${isRetired ? " retired" : ""}`;
  if (view === undefined) return `  ${address}${marks} is not loaded`;
  const { id, role, term, leader, commit, applied, firstIndex, lastIndex } = view.status();
  const { voters, votersOutgoing, learners } = view.confState;
  const members = `voters ${voters} outgoing ${votersOutgoing} learners ${learners}`;
  return `  ${address}${marks} is node ${id}, ${role} of term ${term} under ${leader}, ` +
    `log ${firstIndex}..${lastIndex} committed ${commit} applied ${applied}, ${members}`;
}
