/** All nodes of the simulated system and the network between them and their clients. */
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { KvClerk } from "../../client/kv_clerk.ts";
import { MemberClerk } from "../../client/member_clerk.ts";
import type { NodeId } from "../../raft/types.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import type { VirtualClock } from "../../runtime/virtual_clock.ts";
import { CONTROLLERS_GID, type Gid } from "../../shardctrler/configuration/config.ts";
import { Controller } from "../../shardctrler/controller.ts";
import { GroupReplica } from "../../shardkv/group_replica.ts";
import type { Draw } from "./draw.ts";
import type { NodeView } from "./observation.ts";
import type { ObserverHub } from "./observer_hub.ts";
import type { SimOptions } from "./options.ts";
import { ReplicaReader } from "./replica_reader.ts";
import { SimNetwork } from "./sim_network.ts";
import { type ProcessPorts, SimNode, type SimNodeOptions } from "./sim_node.ts";
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
  /** Groups of which a member has lost its disk and is not replaced yet. */
  readonly fragile = new Set<Gid>();
  readonly #parts: SimClusterOptions;
  /** Every node there ever was, by group, the controllers first. */
  readonly #ensembles: ReadonlyMap<Gid, SimNode[]>;

  constructor(parts: SimClusterOptions) {
    const { options: { cluster, links }, clock, draw, statistics } = parts;
    this.#parts = parts;
    this.network = new SimNetwork({ clock, draw: draw.fork(), links, statistics });
    const gids = Array.from({ length: cluster.groups + 1 }, (_, gid) => gid);
    this.#ensembles = new Map(gids.map((gid) => [gid, this.#first(gid)]));
  }

  /** Groups that hold shards, the controllers are none of them. */
  get gids(): Gid[] {
    return [...this.#ensembles.keys()].filter((gid) => gid !== CONTROLLERS_GID);
  }

  /** Controllers first, then group by group; those that were taken out too. */
  get nodes(): SimNode[] {
    return [...this.#ensembles.values()].flat();
  }

  /** Nodes of each Raft group, the controllers' first; those that were taken out are not among them. */
  get ensembles(): (readonly SimNode[])[] {
    return [...this.#ensembles.keys()].map((gid) => this.membersOf(gid));
  }

  /** The members of each group by its leader's word, without those whose disk is lost. */
  get survivors(): (readonly SimNode[])[] {
    return [...this.#ensembles.values()].map((nodes) => {
      const known = nodes.filter(({ isLost, isRetired }) => !isLost && !isRetired);
      const conf = leaderOf(known)?.confState;
      if (conf === undefined) return known;
      const ids = [...conf.voters, ...conf.votersOutgoing, ...conf.learners];
      return known.filter(({ id }) => ids.includes(id));
    });
  }

  /** Those that were not taken out, as far as the operator knows. */
  membersOf(gid: Gid): readonly SimNode[] {
    return (this.#ensembles.get(gid) ?? []).filter(({ isRetired }) => !isRetired);
  }

  /** Members a group began with. */
  firstSize(gid: Gid): number {
    const { controllers, replicas } = this.#parts.options.cluster;
    return gid === CONTROLLERS_GID ? controllers : replicas;
  }

  get controllerAddresses(): string[] {
    return this.#firstAddresses(CONTROLLERS_GID);
  }

  /** Where a group's servers are. */
  addresses(gid: Gid): string[] {
    return this.membersOf(gid).filter(({ isLost }) => !isLost).map(({ address }) => address);
  }

  /** An address that nobody of the group has had. */
  nextAddress(gid: Gid): string {
    return addressOf(gid, this.#ensembles.get(gid)?.length ?? 0);
  }

  /** A node on an empty disk, for a member that was added. */
  addNode(gid: Gid, id: NodeId, address: string): SimNode {
    const servers = this.addresses(gid);
    const node = this.#node(
      { gid, id, address, isFirst: false },
      (ports) => this.#open(ports, { gid, position: id - 1, members: servers, join: address }),
    );
    this.#ensembles.get(gid)?.push(node);
    return node;
  }

  /** The latest that a controller has applied; 0 for none. */
  get latestConfigNum(): number {
    const numbers = this.survivors.flat().map(({ view }) =>
      view?.machine.kind === "controller" ? view.machine.machine.latest?.num ?? 0 : 0
    );
    return Math.max(0, ...numbers);
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

  /** A clerk for the members of a group that knows only one of its servers. */
  memberClerk({ address }: SimNode, draw: Draw, timeoutMs: number): MemberClerk {
    return new MemberClerk({
      servers: [address],
      dialer: this.network.dialer("members"),
      clock: this.#parts.clock,
      prng: draw.prng,
      timeoutMs,
    });
  }

  /** Draws nothing before it reads. */
  replicaReader(name: string, draw: Draw): ReplicaReader {
    const dialer = this.network.dialer(name);
    const { clock } = this.#parts;
    const shared = { dialer, clock, prng: draw.prng };
    const source = new CtrlerClerk({ ...shared, controllers: this.controllerAddresses });
    return new ReplicaReader({ source, dialer, draw });
  }

  ctrlerClerk(name: string): CtrlerClerk {
    return new CtrlerClerk({
      controllers: this.controllerAddresses,
      dialer: this.network.dialer(name),
      clock: this.#parts.clock,
      prng: createPrng(this.#parts.draw.prng.below(2 ** 32)),
    });
  }

  #firstAddresses(gid: Gid): string[] {
    return Array.from({ length: this.firstSize(gid) }, (_, position) => addressOf(gid, position));
  }

  #first(gid: Gid): SimNode[] {
    const members = this.#firstAddresses(gid);
    return members.map((address, position) =>
      this.#node(
        { gid, id: position + 1, address, isFirst: true },
        (ports) => this.#open(ports, { gid, position, members, join: undefined }),
      )
    );
  }

  #open(ports: ProcessPorts, place: Place): Promise<Controller | GroupReplica> {
    const { options } = this.#parts;
    const shared = {
      ...ports,
      ...place,
      ...driverOptions(options),
      clusterToken: "sim",
      logger: silentLogger,
    };
    return place.gid === CONTROLLERS_GID
      ? Controller.open({ ...shared, shards: options.cluster.shards })
      : GroupReplica.open({
        ...shared,
        controllers: this.controllerAddresses,
        limits: { chunkBytes: options.chunkBytes },
      });
  }

  #node(
    facts: Pick<SimNodeOptions, "gid" | "id" | "address" | "isFirst">,
    open: SimNodeOptions["open"],
  ): SimNode {
    const { options: { disk, links: { keepaliveMs } }, clock: world, draw, hub } = this.#parts;
    const { network } = this;
    return new SimNode({
      ...facts,
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

/** Where a process finds itself in its group. */
interface Place {
  readonly gid: Gid;
  readonly position: number;
  readonly members: readonly string[];
  /** Its own address, if it was added. */
  readonly join: string | undefined;
}

function addressOf(gid: Gid, number: number): string {
  return gid === CONTROLLERS_GID ? `ctrl-${number}:1` : `group${gid}-${number}:1`;
}

/** The view of the leader of the highest term; undefined if nobody leads. */
function leaderOf(nodes: readonly SimNode[]): NodeView | undefined {
  const leaders = nodes.flatMap(({ view }) => view?.status().role === "leader" ? view : []);
  return leaders.sort((a, b) => b.status().term - a.status().term)[0];
}

function driverOptions({ cluster }: SimOptions) {
  const { tickMs, raft, leaseReads, retainedEntriesMax, retainedBytesMax } = cluster;
  return { tickMs, raft, leaseReads, retainedEntriesMax, retainedBytesMax };
}
