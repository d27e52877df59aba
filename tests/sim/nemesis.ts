/** Makes things go wrong, one fault after the other, as the seed will have it. */
import { KvError } from "../../rpc/errors.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { CONTROLLERS_GID, type Gid } from "../../shardctrler/configuration/config.ts";
import { Desertion } from "./desertion.ts";
import type { Draw } from "./draw.ts";
import type { EventLog } from "./event_log.ts";
import type { ObserverHub } from "./observer_hub.ts";
import type { ClusterOptions, FaultKind, NemesisOptions } from "./options.ts";
import { type Cut, cutsOf, oneWayCutsOf } from "./partitions.ts";
import type { SimCluster } from "./sim_cluster.ts";
import type { SimNode } from "./sim_node.ts";
import type { Statistics } from "./statistics.ts";
import { TRAP_MOMENTS, type Traps } from "./traps.ts";

/** Longest time a leader that is about to be stranded is asked to hand over. */
const HAND_OVER_TIMEOUT_MS = 300;
/** Between two looks at whether a stranded leader has been replaced. */
const STRANDED_LOOK_MS = 10;

export interface NemesisParts {
  readonly options: NemesisOptions;
  readonly clusterOptions: ClusterOptions;
  readonly cluster: SimCluster;
  /** Names of the clients, which partitions cut off too. */
  readonly clients: readonly string[];
  readonly clock: Clock;
  readonly draw: Draw;
  readonly events: EventLog;
  readonly statistics: Statistics;
  readonly traps: Traps;
  readonly hub: ObserverHub;
}

export class Nemesis {
  readonly #parts: NemesisParts;
  readonly #weights: readonly (readonly [FaultKind, number])[];
  /** Groups whose first members all took part at some time. */
  readonly #begun = new Set<Gid>();
  /** Groups whose leader is being deserted. */
  readonly #deserted = new Set<Gid>();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: NemesisParts) {
    this.#parts = parts;
    this.#weights = Object.entries(parts.options.weights) as [FaultKind, number][];
  }

  start(): void {
    this.#strikeLater();
    if (this.#parts.options.desertionPeriodMs > 0) this.#desertLater();
  }

  #strikeLater(): void {
    const { clock, draw, options } = this.#parts;
    this.#timer = clock.setTimer(() => {
      this.#strike(draw.weighted(this.#weights));
      this.#strikeLater();
    }, draw.fraction() * 2 * options.periodMs);
  }

  /** No new faults; those that are there end when their time has come. */
  stop(): void {
    this.#stopped = true;
    this.#parts.traps.disarm();
    this.#timer?.cancel();
  }

  #strike(kind: FaultKind): void {
    switch (kind) {
      case "crash":
        return this.#crash(kind, [this.#target()]);
      case "group crash":
        return this.#crash(kind, this.#parts.draw.pick(this.#parts.cluster.ensembles));
      case "crash at event":
        return this.#trap(this.#target());
      case "restart":
        return this.#restart(this.#target());
      case "wiped disk":
        return this.#wipe(this.#target());
      case "pause":
        return this.#pause(this.#target());
      case "slow disk":
        return this.#slowDisk(this.#target());
      case "clock":
        return this.#skew(this.#target());
      case "partition":
      case "one-way cut":
        return this.#cut(kind);
      case "stranded leader":
        return this.#strand(this.#target());
      case "clogged link":
        return this.#clog();
    }
  }

  /** Leaders are hit as often as all others together. */
  #target(): SimNode {
    const { draw, cluster } = this.#parts;
    const ensemble = draw.pick(cluster.ensembles);
    const leaders = ensemble.filter((node) => node.isUp && node.view?.status().role === "leader");
    return leaders.length > 0 && draw.oneIn(2) ? draw.pick(leaders) : draw.pick(ensemble);
  }

  #crash(kind: FaultKind, nodes: readonly SimNode[]): void {
    for (const node of nodes) {
      if (!node.isUp) continue;
      this.#note(kind, node.address);
      node.crash();
      this.#later(() => node.start());
    }
  }

  /** The power fails at a chosen moment, for the node alone or for its whole group. */
  #trap(node: SimNode): void {
    const { cluster, draw, traps } = this.#parts;
    const group = cluster.ensembles.find((nodes) => nodes.includes(node)) ?? [];
    const victims = draw.oneIn(3) ? group : [node];
    const moment = draw.pick(TRAP_MOMENTS);
    // Changes of members are few, and every other one leaves the group between two sets of voters.
    const count = moment === "members applied" ? 1 : draw.magnitude(1, 30);
    traps.arm(node.address, moment, count, () => this.#crash("crash at event", victims));
  }

  /** One of a group at a time, and never so that no quorum is left: acknowledged data may be gone then. */
  #wipe(node: SimNode): void {
    const { cluster } = this.#parts;
    const voters = node.view?.confState.voters ?? [];
    const isSpare = voters.length > 2 || !voters.includes(node.id);
    if (!node.isUp || !isSpare || cluster.fragile.has(node.gid)) return;
    if (this.#isLastKnown(node) || !this.#hasBegun(node.gid)) return;
    cluster.fragile.add(node.gid);
    this.#note("wiped disk", node.address);
    node.wipe();
    this.#later(() => node.start());
  }

  /**
   * Whether all first members of a group take part. Before that the loss of a
   * disk may keep the others from ever beginning (docs/raft.md).
   */
  #hasBegun(gid: Gid): boolean {
    const firsts = this.#parts.cluster.membersOf(gid).filter(({ isFirst }) => isFirst);
    if (firsts.every(({ view }) => (view?.status().term ?? 0) > 0)) this.#begun.add(gid);
    return this.#begun.has(gid);
  }

  /**
   * Whether it is the last of the controllers that servers and clients were
   * told of: they look for the others through those (docs/raft.md, Members).
   */
  #isLastKnown(node: SimNode): boolean {
    const known = this.#parts.cluster.membersOf(CONTROLLERS_GID)
      .filter(({ isFirst, isLost }) => isFirst && !isLost);
    return known.length === 1 && known[0] === node;
  }

  #restart(node: SimNode): void {
    if (!node.isUp || node.isPaused) return;
    this.#note("restart", node.address);
    const { clock, draw } = this.#parts;
    node.stop().then(() => clock.setTimer(() => node.start(), draw.between(0, 500)));
  }

  #pause(node: SimNode): void {
    if (!node.isUp || node.isPaused) return;
    this.#note("pause", node.address);
    node.pause();
    this.#later(() => node.resume());
  }

  #slowDisk(node: SimNode): void {
    const extraMs = this.#parts.draw.magnitude(20, 3_000);
    this.#note("slow disk", node.address, extraMs);
    node.disk.slowDown(extraMs);
    this.#later(() => node.disk.slowDown(0));
  }

  #skew(node: SimNode): void {
    const { draw, options: { clockRateMax, wallOffsetMaxMs } } = this.#parts;
    const faster = 1 + draw.fraction() * (clockRateMax - 1);
    const rate = draw.oneIn(2) ? faster : 1 / faster;
    const offsetMs = draw.between(-wallOffsetMaxMs, wallOffsetMaxMs);
    this.#note("clock", node.address, rate, offsetMs);
    node.clock.set(rate, offsetMs);
    this.#later(() => node.clock.set(1, 0));
  }

  #cut(kind: "partition" | "one-way cut"): void {
    const { cluster, clients, draw } = this.#parts;
    const parts = {
      draw,
      ensembles: cluster.ensembles.map((nodes) => nodes.map(({ address }) => address)),
      clients,
      target: this.#target().address,
    };
    const { name, cuts } = kind === "partition" ? cutsOf(parts) : oneWayCutsOf(parts);
    if (cuts.length === 0) return;
    this.#note(kind, name, cuts.length);
    for (const [from, to] of cuts) cluster.network.cut(from, to);
    this.#later(() => {
      for (const [from, to] of cuts) cluster.network.join(from, to);
    });
  }

  /**
   * Cuts a leader off from its peers and lets it back when it has just been
   * replaced: what it has appended meanwhile stands where its successor's
   * entries belong, and reaches as far. It may have told its successor to take
   * over, and does not hear of it.
   */
  #strand(leader: SimNode): void {
    const { cluster, draw } = this.#parts;
    const group = cluster.ensembles.find((nodes) => nodes.includes(leader)) ?? [];
    if (leader.view?.status().role !== "leader" || group.length < 3) return;
    const peers = group.filter((node) => node !== leader);
    const cuts = peers.flatMap(({ address }): Cut[] => [
      [leader.address, address],
      [address, leader.address],
    ]);
    this.#note("stranded leader", leader.address);
    if (draw.oneIn(2)) return this.#cutUntilReplaced(cuts, peers);
    const heir = draw.pick(peers);
    const clerk = cluster.memberClerk(leader, draw.fork(), HAND_OVER_TIMEOUT_MS);
    clerk.transfer(heir.id - 1).catch((error) => {
      if (!(error instanceof KvError)) this.#parts.hub.fail(error);
    }).finally(() => {
      clerk.close();
      // Its word may have to leave first.
      if (!this.#stopped) {
        this.#cutUntilReplaced(cuts.filter(([, to]) => to === leader.address), peers);
      }
    });
  }

  #desertLater(): void {
    const { clock, draw, options: { desertionPeriodMs } } = this.#parts;
    clock.setTimer(() => {
      if (this.#stopped) return;
      this.#desert();
      this.#desertLater();
    }, draw.fraction() * 2 * desertionPeriodMs);
  }

  /** Only where two others can elect one of them. */
  #desert(): void {
    const { cluster, draw } = this.#parts;
    const leaders = cluster.nodes.filter(({ isUp, isRetired, view, gid }) =>
      isUp && !isRetired && view?.status().role === "leader" &&
      cluster.membersOf(gid).length >= 3 && !this.#deserted.has(gid)
    );
    if (leaders.length === 0) return;
    const leader = draw.pick(leaders);
    const { gid } = leader;
    this.#deserted.add(gid);
    this.#note("deserted leader", leader.address);
    const peers = cluster.membersOf(gid).filter((node) => node !== leader);
    const { clusterOptions: options, ...parts } = this.#parts;
    new Desertion(
      {
        ...parts,
        options,
        draw: draw.fork(),
        isOver: () => this.#stopped,
        onEnd: () => this.#deserted.delete(gid),
      },
      leader,
      peers,
    ).begin();
  }

  #cutUntilReplaced(cuts: readonly Cut[], peers: readonly SimNode[]): void {
    const { cluster, clock, draw, options } = this.#parts;
    for (const [from, to] of cuts) cluster.network.cut(from, to);
    const lastMs = clock.now() + options.durationMaxMs;
    const lingerMs = draw.magnitude(1, 1_000);
    const rejoin = () => {
      for (const [from, to] of cuts) cluster.network.join(from, to);
    };
    const look = () => {
      const isReplaced = peers.some(({ view }) => view?.status().role === "leader");
      if (isReplaced || clock.now() >= lastMs) clock.setTimer(rejoin, lingerMs);
      else clock.setTimer(look, STRANDED_LOOK_MS);
    };
    look();
  }

  #clog(): void {
    const { cluster, draw } = this.#parts;
    const [from, to] = [this.#target().address, draw.pick(cluster.nodes).address];
    if (from === to) return;
    const extraMs = draw.magnitude(10, 2_000);
    this.#note("clogged link", from, to, extraMs);
    cluster.network.clog(from, to, extraMs);
    this.#later(() => cluster.network.clog(from, to, 0));
  }

  #later(undo: () => void): void {
    const { clock, draw, options } = this.#parts;
    clock.setTimer(undo, draw.fraction() * options.durationMaxMs);
  }

  #note(kind: FaultKind | "deserted leader", ...details: (string | number)[]): void {
    this.#parts.statistics.fault(kind);
    this.#parts.events.record("fault", kind, ...details);
  }
}
