/** Which processes a suite's cluster has: every node listens elsewhere than at its address, where a proxy is. */
import { type ClusterPlan, type NodePlan, planNodes } from "../../tasks/cluster/plan.ts";
import { freePorts } from "../e2e/free_ports.ts";
import type { ProxiedNode } from "./link_rules.ts";

const CONTROLLERS = 3;
const REPLICAS = 3;
/** Several for each group, so that there is always something to move. */
export const SHARDS = 12;
const FIRST_GID = 100;
/** Small, so that who was away for a while gets a snapshot. */
const RETAINED_ENTRIES = 300;

/** Three controllers and groups of three on free ports. */
export function layOut(groups: number, db: string): ClusterPlan {
  const count = CONTROLLERS + groups * REPLICAS;
  const ports = freePorts(2 * count);
  const addresses = ports.splice(0, count).map((port) => `127.0.0.1:${port}`);
  const controllers = addresses.splice(0, CONTROLLERS);
  const plan = planNodes({
    controllers,
    groups: Array.from({ length: groups }, (_, index) => ({
      gid: FIRST_GID + index,
      addresses: addresses.splice(0, REPLICAS),
    })),
    shards: SHARDS,
    db,
  });
  const behindProxy = (node: NodePlan): NodePlan => ({
    ...node,
    args: [...node.args, ...ownArgs(ports.shift() ?? 0)],
  });
  return {
    controllers: plan.controllers.map(behindProxy),
    groups: plan.groups.map(({ gid, nodes }) => ({ gid, nodes: nodes.map(behindProxy) })),
  };
}

function ownArgs(target: number): string[] {
  return ["-listen", `127.0.0.1:${target}`, "-retained-entries", String(RETAINED_ENTRIES)];
}

/** A new member in the place of another one, with an address and a disk of its own. */
export function joiner(
  old: NodePlan,
  { id, address, target }: {
    readonly id: number;
    readonly address: string;
    readonly target: number;
  },
): NodePlan {
  // A flag that is given again counts anew.
  const anew = ["-id", `${id}`, "-join", address, "-listen", `127.0.0.1:${target}`];
  return {
    ...old,
    label: `${old.gid}-${id}`,
    id,
    address,
    directory: old.directory.replace(/_\d+$/, `_${id}`),
    args: [...old.args, ...anew],
  };
}

/** What the proxies have to know of a node. */
export function proxied({ label, address, args }: NodePlan): ProxiedNode {
  return { label, port: portOf(address), target: portOf(args[args.lastIndexOf("-listen") + 1]) };
}

function portOf(address = ""): number {
  return Number(address.split(":").at(-1));
}
