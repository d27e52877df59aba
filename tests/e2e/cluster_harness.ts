/** A cluster of real processes for one test: free ports, a directory of its own, nothing left behind. */
import { KvClerk } from "../../client/kv_clerk.ts";
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import { ClusterAdmin } from "../../tasks/cluster/cluster_admin.ts";
import { ClusterProcesses } from "../../tasks/cluster/cluster_processes.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { allNodes, type ClusterPlan, type NodePlan, planNodes } from "../../tasks/cluster/plan.ts";
import { freePorts } from "./free_ports.ts";

export interface TestClusterOptions {
  /** @default {2} */
  readonly groups?: number;
  /** @default {3} */
  readonly replicas?: number;
  /** @default {16} */
  readonly shards?: number;
  /** Parent of the directory with the data. @default {the system's for temporary files} */
  readonly directory?: string | undefined;
  /** Flags of every replica, beside those of its place. @default {[]} */
  readonly replicaFlags?: readonly string[];
}

const CONTROLLERS = 3;
/** Busy machines take their time; a test that waits this long fails with a reason. */
const SERVED_TIMEOUT_MS = 60_000;
const GRACE_MS = 10_000;

export class TestCluster implements AsyncDisposable {
  readonly plan: ClusterPlan;
  readonly db: string;
  readonly processes: ClusterProcesses;
  readonly admin: ClusterAdmin;
  readonly clerk: KvClerk;
  /** Nodes that ended although nobody asked them to. */
  readonly deaths: string[] = [];

  constructor(plan: ClusterPlan, db: string) {
    this.plan = plan;
    this.db = db;
    this.processes = new ClusterProcesses(plan, {
      db,
      onDeath: (node, status) =>
        this.deaths.push(`${node.label} (${status.code}): ${node.lastLines.join("\n")}`),
    });
    this.admin = new ClusterAdmin(plan);
    this.clerk = new KvClerk({
      controllers: this.controllers,
      dialer: new GrpcDialer(),
      ownsDialer: true,
      timeoutMs: SERVED_TIMEOUT_MS,
    });
  }

  /** Starts all processes, joins the groups, and waits until every shard is served. */
  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const { directory: dir } = options;
    const db = await Deno.makeTempDir({
      prefix: "eraft_e2e_",
      ...(dir === undefined ? {} : { dir }),
    });
    const cluster = new TestCluster(layOut(options, db), db);
    try {
      await cluster.processes.start();
      await cluster.admin.joinMissing();
      await cluster.served();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get controllers(): string[] {
    return this.plan.controllers.map((node) => node.address);
  }

  /** Waits until every shard is served. */
  async served(): Promise<void> {
    await this.admin.served(SERVED_TIMEOUT_MS);
  }

  /** Label of the replica that leads a group now. */
  async leaderOf(gid: number): Promise<string> {
    return await until(`group ${gid} has no leader`, SERVED_TIMEOUT_MS, async () => {
      const replicas = await this.admin.status();
      const leader = replicas.find((status) => status.gid === gid && status.role === "Leader");
      return leader && `${gid}-${leader.id}`;
    });
  }

  /** Kills nodes as a crash would. */
  async crash(labels: readonly string[]): Promise<void> {
    await this.processes.crash(labels);
  }

  /** Starts nodes again that were killed. */
  async restart(labels: readonly string[]): Promise<void> {
    await this.processes.start(allNodes(this.plan).filter((node) => labels.includes(node.label)));
  }

  /** Processes of all nodes that run, or of those of one group. */
  pids(gid?: number): number[] {
    const labels = allNodes(this.plan).flatMap((node) =>
      gid === undefined || node.gid === gid ? node.label : []
    );
    return labels.flatMap((label) => this.processes.process(label)?.pid ?? []);
  }

  /** Labels of all nodes, controllers first. */
  get labels(): string[] {
    return allNodes(this.plan).map((node) => node.label);
  }

  /** Stops everything and removes the data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.clerk.close();
    await this.admin.close();
    await this.processes.stop(GRACE_MS);
    await Deno.remove(this.db, { recursive: true });
  }
}

function layOut(options: TestClusterOptions, db: string): ClusterPlan {
  const { groups = 2, replicas = 3, shards = 16, replicaFlags = [] } = options;
  const addresses = freePorts(CONTROLLERS + groups * replicas).map((port) => `127.0.0.1:${port}`);
  const controllers = addresses.splice(0, CONTROLLERS);
  const plan = planNodes({
    controllers,
    groups: Array.from({ length: groups }, (_, index) => ({
      gid: 100 + index,
      addresses: addresses.splice(0, replicas),
    })),
    shards,
    db,
  });
  const withFlags = (node: NodePlan) => ({ ...node, args: [...node.args, ...replicaFlags] });
  return {
    ...plan,
    groups: plan.groups.map(({ gid, nodes }) => ({ gid, nodes: nodes.map(withFlags) })),
  };
}
