/** Which nodes a cluster has: pure arithmetic over the options. */
import { CONTROLLERS_GID } from "../../shardctrler/configuration/config.ts";
import { type ClusterOptions, CONTROLLERS, FIRST_GID, GROUP_PORT_STEP } from "./options.ts";

/** What a process of the cluster does, and so what it may do. */
export type NodeKind = "server" | "dashboard";

/** One process. */
export interface NodePlan {
  readonly kind: NodeKind;
  /** Short name for logs: `ctrler-0`, `100-2`, `dashboard`. */
  readonly label: string;
  /** 0 for a controller. */
  readonly gid: number;
  /** Position within its group. */
  readonly id: number;
  /** host:port */
  readonly address: string;
  /** Where the node keeps its data; empty for the dashboard, which has none. */
  readonly directory: string;
  /** Entry point, from the project's root. */
  readonly main: string;
  readonly args: readonly string[];
}

export interface GroupPlan {
  readonly gid: number;
  readonly nodes: readonly NodePlan[];
}

export interface ClusterPlan {
  readonly controllers: readonly NodePlan[];
  readonly groups: readonly GroupPlan[];
}

/** The part of the options that decides who listens where. */
export type Shape = Pick<
  ClusterOptions,
  "groups" | "replicas" | "shards" | "ctrlerPort" | "groupPort"
>;

/** Lays a cluster out on loopback addresses, with its data under `db`. */
export function planCluster(shape: Shape, db: string): ClusterPlan {
  const groupPort = (index: number) => shape.groupPort + index * GROUP_PORT_STEP;
  return planNodes({
    controllers: addresses(shape.ctrlerPort, CONTROLLERS),
    groups: Array.from({ length: shape.groups }, (_, index) => ({
      gid: FIRST_GID + index,
      addresses: addresses(groupPort(index), shape.replicas),
    })),
    shards: shape.shards,
    db,
  });
}

/** Addresses of a cluster wherever its ports come from. */
export interface ClusterAddresses {
  readonly controllers: readonly string[];
  readonly groups: readonly { readonly gid: number; readonly addresses: readonly string[] }[];
  readonly shards: number;
  readonly db: string;
}

/** The command line of every node of a cluster. */
export function planNodes(cluster: ClusterAddresses): ClusterPlan {
  const ctrlers = cluster.controllers.join(",");
  const controllers = cluster.controllers.map((address, id): NodePlan => ({
    kind: "server",
    label: `ctrler-${id}`,
    gid: CONTROLLERS_GID,
    id,
    address,
    directory: `${cluster.db}/sc_${id}`,
    main: "shardctrler/main.ts",
    args: flagList({ id, cluster: ctrlers, db: `${cluster.db}/sc`, shards: cluster.shards }),
  }));
  const groups = cluster.groups.map(({ gid, addresses }) => ({
    gid,
    nodes: addresses.map((address, id): NodePlan => ({
      kind: "server",
      label: `${gid}-${id}`,
      gid,
      id,
      address,
      directory: `${cluster.db}/skv_${gid}_${id}`,
      main: "shardkv/main.ts",
      args: flagList({ id, gid, cluster: addresses.join(","), ctrlers, db: `${cluster.db}/skv` }),
    })),
  }));
  return { controllers, groups };
}

/** The dashboard of a cluster, which needs to know its controllers only. */
export function planDashboard(controllers: readonly NodePlan[], port: number): NodePlan {
  const addresses = controllers.map((node) => node.address).join(",");
  return {
    kind: "dashboard",
    label: "dashboard",
    gid: 0,
    id: 0,
    address: `127.0.0.1:${port}`,
    directory: "",
    main: "dashboard/main.ts",
    args: flagList({ port, "config-addrs": addresses }),
  };
}

/** Every server, controllers first. */
export function allNodes(plan: ClusterPlan): NodePlan[] {
  return [...plan.controllers, ...plan.groups.flatMap((group) => group.nodes)];
}

function addresses(firstPort: number, count: number): string[] {
  return Array.from({ length: count }, (_, id) => `127.0.0.1:${firstPort + id}`);
}

function flagList(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([flag, value]) => [`-${flag}`, String(value)]);
}
