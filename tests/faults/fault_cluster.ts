/**
 * A cluster of real processes that the suite can do anything to: every node is
 * reached through a proxy of the suite, its data and log lie in a folder that
 * is kept when something is wrong.
 */
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { MemberClerk } from "../../client/member_clerk.ts";
import { groupStatus, type NodeStatus } from "../../client/status/node_status.ts";
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import type { Dialer } from "../../rpc/service.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createPrng, randomSeed } from "../../runtime/prng.ts";
import {
  CONTROLLERS_GID,
  emptyConfig,
  type Gid,
  serversOf,
} from "../../shardctrler/configuration/config.ts";
import { ClusterAdmin } from "../../tasks/cluster/cluster_admin.ts";
import { ClusterProcesses } from "../../tasks/cluster/cluster_processes.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { allNodes, type ClusterPlan, type NodePlan } from "../../tasks/cluster/plan.ts";
import { freePorts } from "../e2e/free_ports.ts";
import { joiner, layOut, proxied } from "./fault_plan.ts";
import { Links } from "./links.ts";
import type { MountedDisk } from "./mounted_disk.ts";
import { NodeLogs } from "./node_logs.ts";

/** Busy machines take their time; whatever takes longer than this is a failure. */
export const HEALTHY_TIMEOUT_MS = 120_000;
const ADMIN_TIMEOUT_MS = 5_000;
const GRACE_MS = 15_000;

/** A node that ended although nobody asked it to. */
export interface Death {
  readonly label: string;
  readonly text: string;
}

export class FaultCluster implements AsyncDisposable {
  readonly folder: string;
  readonly links: Links;
  readonly processes: ClusterProcesses;
  readonly admin: ClusterAdmin;
  readonly dialer: Dialer = new GrpcDialer();
  readonly clerk: CtrlerClerk;
  readonly deaths: Death[] = [];
  readonly #logs: NodeLogs;
  readonly #nodes: Map<string, NodePlan>;
  readonly #controllers: readonly string[];
  /** Nodes that are expected to end by themselves, or to be refused. */
  readonly #excused = new Set<string>();
  /** How often each node was killed. */
  readonly #kills = new Map<string, number>();
  readonly #disks = new Map<string, MountedDisk>();
  /** What each node that has ended said last. */
  readonly #lastWords = new Map<string, string>();

  private constructor(plan: ClusterPlan, folder: string, links: Links) {
    this.folder = folder;
    this.links = links;
    this.#logs = new NodeLogs(`${folder}/logs`);
    this.#nodes = new Map(allNodes(plan).map((node) => [node.label, node]));
    this.#controllers = plan.controllers.map(({ address }) => address);
    this.processes = new ClusterProcesses(plan, {
      db: `${folder}/data`,
      onLine: (label, line) => this.#logs.write(label, line),
      onDeath: ({ label, lastLines }) => {
        const text = lastLines.join("\n");
        this.#lastWords.set(label, text);
        if (!this.#excused.has(label)) this.deaths.push({ label, text });
      },
    });
    this.admin = new ClusterAdmin(plan);
    const prng = createPrng(randomSeed());
    this.clerk = new CtrlerClerk({
      controllers: this.#controllers,
      dialer: this.dialer,
      clock: systemClock,
      prng,
      timeoutMs: ADMIN_TIMEOUT_MS,
    });
  }

  /** Starts everything in a folder of its own, and waits until all shards are served. */
  static async start(groups: number): Promise<FaultCluster> {
    const folder = await Deno.makeTempDir({ prefix: "eraft_faults_" });
    await Deno.mkdir(`${folder}/data`);
    await Deno.mkdir(`${folder}/logs`);
    const cluster = new FaultCluster(layOut(groups, `${folder}/data`), folder, new Links());
    try {
      await cluster.links.open(cluster.nodes.map(proxied));
      await cluster.start(cluster.labels);
      await cluster.joinAll();
      await cluster.admin.served(HEALTHY_TIMEOUT_MS);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get controllers(): readonly string[] {
    return this.#controllers;
  }

  /** Every node that belongs to the cluster, controllers first. */
  get nodes(): NodePlan[] {
    return [...this.#nodes.values()];
  }

  get labels(): string[] {
    return [...this.#nodes.keys()];
  }

  /** All groups, joined or not. */
  get gids(): Gid[] {
    return [...new Set(this.nodes.map(({ gid }) => gid))].filter((gid) => gid !== CONTROLLERS_GID);
  }

  /** Labels of a group's members; 0: of the controllers. */
  labelsOf(gid: Gid): string[] {
    return this.nodes.filter((node) => node.gid === gid).map(({ label }) => label);
  }

  addressesOf(gid: Gid): string[] {
    return this.nodes.filter((node) => node.gid === gid).map(({ address }) => address);
  }

  node(label: string): NodePlan {
    const node = this.#nodes.get(label);
    if (node === undefined) throw new RangeError(`Cannot find node ${label}: it is no member`);
    return node;
  }

  isRunning(label: string): boolean {
    return this.processes.process(label)?.running ?? false;
  }

  /**
   * Starts those that do not run.
   *
   * @throws {NotReadyError} If one of them does not come up, and nobody has killed it meanwhile
   */
  async start(labels: readonly string[]): Promise<void> {
    const missing = labels.filter((label) => !this.isRunning(label));
    await Promise.all(missing.map((label) => this.#startOne(label)));
  }

  async #startOne(label: string): Promise<void> {
    const kills = this.#kills.get(label);
    const starting = this.processes.start([this.#asOfNow(this.node(label))]);
    const pid = this.processes.process(label)?.pid;
    if (pid !== undefined) this.links.setProcess(label, pid);
    try {
      await starting;
    } catch (error) {
      if (this.#kills.get(label) === kills) throw error;
    }
  }

  /** A member that joined is told of servers that are members now: those it was told of may be gone. */
  #asOfNow(node: NodePlan): NodePlan {
    if (!node.args.includes("-join")) return node;
    const servers = this.addressesOf(node.gid).filter((address) => address !== node.address);
    return { ...node, args: [...node.args, "-cluster", servers.join()] };
  }

  async kill(labels: readonly string[]): Promise<void> {
    for (const label of labels) this.#kills.set(label, (this.#kills.get(label) ?? 0) + 1);
    await this.processes.crash(labels);
  }

  /** Ends nodes in order, as an operator does. */
  async stop(labels: readonly string[]): Promise<void> {
    await this.processes.stop(GRACE_MS, labels);
  }

  signal(labels: readonly string[], signal: "SIGSTOP" | "SIGCONT"): void {
    for (const label of labels) this.processes.process(label)?.kill(signal);
  }

  /** What a node said before it ended by itself. */
  lastWordsOf(label: string): string {
    return this.#lastWords.get(label) ?? "";
  }

  /** Waits until the members have applied what any of them knows to be committed now. */
  async caughtUp(gid: Gid, labels: readonly string[]): Promise<void> {
    const addresses = labels.map((label) => this.node(label).address);
    const statuses = async () => {
      const all = gid === CONTROLLERS_GID
        ? await this.clerk.status()
        : await this.#groupStatus(gid);
      return all.filter(({ address, error }) => addresses.includes(address) && !error);
    };
    const goal = Math.max(0, ...(await statuses()).map(({ commit }) => commit));
    await until(`${labels} do not catch up`, HEALTHY_TIMEOUT_MS, async () => {
      const applied = (await statuses()).map(({ applied }) => applied);
      return applied.length === labels.length && applied.every((index) => index >= goal) ||
        undefined;
    });
  }

  /**
   * Has the node go on from a disk of a special kind.
   *
   * @param mount Puts the disk in the place of the node's directory
   */
  async moveToDisk<Disk extends MountedDisk>(
    label: string,
    mount: (directory: string) => Promise<Disk>,
  ): Promise<Disk> {
    await this.stop([label]);
    const disk = await mount(this.node(label).directory);
    this.#disks.set(label, disk);
    await this.start([label]);
    return disk;
  }

  /** Gives a node an ordinary disk again: it may have more to write in what is to come. */
  async leaveDisk(label: string): Promise<void> {
    await this.kill([label]);
    const disk = this.#disks.get(label);
    this.#disks.delete(label);
    await disk?.unmount();
    this.endExcuse(label);
    await this.start([label]);
  }

  /** From now on the node may end by itself. */
  excuse(label: string): void {
    this.#excused.add(label);
  }

  /** From now on it may not any more. */
  endExcuse(label: string): void {
    this.#excused.delete(label);
  }

  /** Takes back whatever the suite knows how to take back, whoever did it. */
  async heal(): Promise<void> {
    this.links.heal();
    this.signal(this.labels, "SIGCONT");
    await this.start(this.labels);
    await this.joinAll();
  }

  /** Lets all groups join that are not part of the configuration. */
  async joinAll(): Promise<void> {
    await this.insist("the groups cannot join", async () => {
      const config = await this.clerk.query();
      const absent = this.gids.filter((gid) => !config.groups.has(gid));
      if (absent.length === 0) return;
      await this.clerk.join(new Map(absent.map((gid) => [gid, this.addressesOf(gid)])));
    });
  }

  /**
   * The label of the member that leads, by the highest term; 0: of the controllers.
   *
   * @throws {TimeoutError} When nobody does for so long
   */
  async leaderOf(gid: Gid, timeoutMs = HEALTHY_TIMEOUT_MS): Promise<string> {
    return await until(`Group ${gid} has no leader`, timeoutMs, async () => {
      const statuses = gid === CONTROLLERS_GID
        ? await this.clerk.status()
        : await this.#groupStatus(gid);
      const leaders = statuses.filter(({ role }) => role === "Leader");
      const [leader] = leaders.sort((a, b) => b.term - a.term);
      return this.nodes.find(({ address }) => address === leader?.address)?.label;
    });
  }

  /** A clerk for the members of a group; to be closed. */
  memberClerk(gid: Gid, timeoutMs = ADMIN_TIMEOUT_MS): MemberClerk {
    return new MemberClerk({
      servers: gid === CONTROLLERS_GID ? this.#controllers : this.addressesOf(gid),
      dialer: this.dialer,
      clock: systemClock,
      prng: createPrng(randomSeed()),
      timeoutMs,
    });
  }

  /**
   * Gives up a member of a group, its disk too, and puts a new one in its place,
   * with an address and a disk of its own.
   *
   * @returns The label of the new one
   */
  async replace(label: string): Promise<string> {
    const old = this.node(label);
    await this.kill([label]);
    const clerk = this.memberClerk(old.gid, HEALTHY_TIMEOUT_MS);
    try {
      await clerk.remove(old.id);
      const [port = 0, target = 0] = freePorts(2);
      const { id, address } = await clerk.add(`127.0.0.1:${port}`);
      const node = joiner(old, { id, address, target });
      this.#nodes.delete(label);
      this.#nodes.set(node.label, node);
      await this.links.open([proxied(node)]);
      await this.start([node.label]);
      await clerk.promote(id);
      await this.#listed(old.gid, address);
      return node.label;
    } finally {
      clerk.close();
    }
  }

  /** Tries again and again what may fail while the cluster gets well. */
  async insist(what: string, action: () => Promise<void>): Promise<void> {
    let last: unknown;
    const text = () => `${what}: ${last}`;
    await until(text, HEALTHY_TIMEOUT_MS, () =>
      action().then(() => true, (error) => {
        last = error;
        return undefined;
      }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.clerk.close();
    await this.admin.close();
    await this.dialer.close();
    this.signal(this.labels, "SIGCONT");
    await this.processes.stop(GRACE_MS);
    for (const disk of this.#disks.values()) await disk.unmount();
    this.links[Symbol.dispose]();
    this.#logs[Symbol.dispose]();
  }

  /** Asks the servers themselves: controllers may be down. */
  #groupStatus(gid: Gid): Promise<NodeStatus[]> {
    const groups = new Map([[gid, this.addressesOf(gid)]]);
    return groupStatus({ ...emptyConfig(0), groups }, this.dialer);
  }

  /** Waits until the controllers know the new address: groups that have left are not listed. */
  async #listed(gid: Gid, address: string): Promise<void> {
    await this.insist(`the controllers do not know ${address}`, async () => {
      const servers = serversOf(await this.clerk.query(), gid);
      if (servers.length > 0 && !servers.includes(address)) throw new Error(`It has ${servers}`);
    });
  }
}
