/** All nodes of the simulated system and the network between them and their clients. */
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { KvClerk } from "../../client/kv_clerk.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import type { VirtualClock } from "../../runtime/virtual_clock.ts";
import type { Gid } from "../../shardctrler/config.ts";
import { Controller } from "../../shardctrler/node.ts";
import { GroupReplica } from "../../shardkv/node.ts";
import type { Draw } from "./draw.ts";
import { CONTROLLERS_GID } from "./observation.ts";
import type { ObserverHub } from "./observer_hub.ts";
import type { SimOptions } from "./options.ts";
import { type ProcessPorts, SimNode } from "./sim_node.ts";
import { SimNetwork } from "./sim_network.ts";
import type { Statistics } from "./statistics.ts";

export interface SimClusterOptions {
  readonly options: SimOptions;
  readonly clock: VirtualClock;
  readonly draw: Draw;
  readonly hub: ObserverHub;
  readonly statistics: Statistics;
}

export class SimCluster {
  readonly network: SimNetwork;
  readonly controllers: readonly SimNode[];
  readonly groups: ReadonlyMap<Gid, readonly SimNode[]>;
  readonly #parts: SimClusterOptions;

  constructor(parts: SimClusterOptions) {
    const { options: { cluster, links }, clock, draw, statistics } = parts;
    this.#parts = parts;
    this.network = new SimNetwork({ clock, draw: draw.fork(), links, statistics });
    this.controllers = this.controllerAddresses.map((_, position) => this.#controller(position));
    const gids = Array.from({ length: cluster.groups }, (_, i) => i + 1);
    this.groups = new Map(gids.map((gid) => [gid, this.#group(gid)]));
  }

  get gids(): Gid[] {
    return [...this.groups.keys()];
  }

  /** Controllers first, then group by group. */
  get nodes(): SimNode[] {
    return [...this.controllers, ...[...this.groups.values()].flat()];
  }

  /** Members of one Raft group each, the controllers' first. */
  get ensembles(): (readonly SimNode[])[] {
    return [this.controllers, ...this.groups.values()];
  }

  /** The same without those that are lost for good. */
  get survivors(): (readonly SimNode[])[] {
    return this.ensembles.map((nodes) => nodes.filter(({ isLost }) => !isLost));
  }

  get controllerAddresses(): string[] {
    const { controllers } = this.#parts.options.cluster;
    return Array.from({ length: controllers }, (_, i) => `ctrl-${i}:1`);
  }

  addresses(gid: Gid): string[] {
    const { replicas } = this.#parts.options.cluster;
    return Array.from({ length: replicas }, (_, i) => `group${gid}-${i}:1`);
  }

  start(): void {
    for (const node of this.nodes) node.start();
  }

  kvClerk(name: string): KvClerk {
    return new KvClerk({
      controllers: this.controllerAddresses,
      dialer: this.network.dialer(name),
      clock: this.#parts.clock,
      prng: createPrng(this.#parts.draw.prng.below(2 ** 32)),
      ownsDialer: true,
    });
  }

  ctrlerClerk(name: string): CtrlerClerk {
    return new CtrlerClerk({
      controllers: this.controllerAddresses,
      dialer: this.network.dialer(name),
      clock: this.#parts.clock,
      prng: createPrng(this.#parts.draw.prng.below(2 ** 32)),
    });
  }

  #controller(position: number): SimNode {
    const { cluster } = this.#parts.options;
    return this.#node(
      CONTROLLERS_GID,
      this.controllerAddresses,
      position,
      (ports) =>
        Controller.open({
          ...ports,
          ...driverOptions(this.#parts.options),
          position,
          members: this.controllerAddresses,
          clusterToken: "sim",
          shards: cluster.shards,
          logger: silentLogger,
        }),
    );
  }

  #group(gid: Gid): SimNode[] {
    const members = this.addresses(gid);
    return members.map((_, position) =>
      this.#node(gid, members, position, (ports) =>
        GroupReplica.open({
          ...ports,
          ...driverOptions(this.#parts.options),
          gid,
          position,
          members,
          controllers: this.controllerAddresses,
          clusterToken: "sim",
          logger: silentLogger,
        }))
    );
  }

  #node(
    gid: Gid,
    members: readonly string[],
    position: number,
    open: (ports: ProcessPorts) => Promise<Controller | GroupReplica>,
  ): SimNode {
    const { options: { disk, links: { keepaliveMs } }, clock: world, draw, hub } = this.#parts;
    const address = members[position] ?? "";
    const { network } = this;
    return new SimNode({
      gid,
      position,
      address,
      world,
      draw: draw.fork(),
      disk,
      network,
      keepaliveMs,
      hub,
      open,
    });
  }
}

function driverOptions({ cluster }: SimOptions) {
  const { tickMs, raft, retainedEntriesMax, retainedBytesMax } = cluster;
  return { tickMs, raft, retainedEntriesMax, retainedBytesMax };
}
