/**
 * Tempts the followers of a leader to elect another one while it counts on its
 * lease. Chance alone comes too late or too early: the time between a lease and
 * the promises it rests on is short, so who asks for votes is made to ask then.
 */
import { DEFAULT_RAFT_CONFIG } from "../../raft/config.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Draw } from "./draw.ts";
import { type ClusterOptions, LEASE_CLOCK_RATE_MAX } from "./options.ts";
import type { Cut } from "./partitions.ts";
import type { SimCluster } from "./sim_cluster.ts";
import type { SimNode } from "./sim_node.ts";
import type { Traps } from "./traps.ts";

export interface DesertionParts {
  readonly options: Pick<ClusterOptions, "tickMs" | "raft">;
  readonly cluster: SimCluster;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly traps: Traps;
  /** Names of the clients. */
  readonly clients: readonly string[];
  readonly onEnd: () => void;
  /** Whether there are to be no faults any more. */
  readonly isOver: () => boolean;
}

/** Looks for a new leader in the time of one tick. */
const LOOKS_PER_TICK = 20;
/** Longest time in election timeouts for each of two steps: until the leader is alone, until it is replaced. */
const STEP_TIMEOUTS_MAX = 4;

/**
 * - `late vote`: a candidate's request arrives when the others' promises end
 * - `restart`: those who have promised forget it
 * - `hand-over`: the leader tells another to take over, and hears of nothing any more
 */
type Way = "late vote" | "restart" | "hand-over";

/** A hand-over needs no luck. */
const WAYS: readonly (readonly [Way, number])[] = [
  ["late vote", 4],
  ["restart", 3],
  ["hand-over", 1],
];
/** Until the outsider has what was written before clients were cut off. */
const QUIET_TICKS = 3;

export class Desertion {
  readonly #parts: DesertionParts;
  readonly #leader: SimNode;
  /** Does not hear the leader, so that it campaigns. */
  readonly #outsider: SimNode;
  /** Hear the leader, and promise it not to vote. */
  readonly #loyal: readonly SimNode[];
  readonly #timeoutMs: number;
  /** Takes back what was done, for the end. */
  readonly #undo: (() => void)[] = [];
  #isAlone = false;
  #hasEnded = false;

  /** @param peers All other members, two at least */
  constructor(parts: DesertionParts, leader: SimNode, peers: readonly SimNode[]) {
    const { draw, options: { tickMs, raft } } = parts;
    const { electionTicks = DEFAULT_RAFT_CONFIG.electionTicks } = raft;
    this.#parts = parts;
    this.#leader = leader;
    this.#outsider = draw.pick(peers);
    this.#loyal = peers.filter((peer) => peer !== this.#outsider);
    this.#timeoutMs = electionTicks * tickMs;
  }

  begin(): void {
    const { clock, draw, options: { tickMs } } = this.#parts;
    this.#spreadClocks();
    if (draw.oneIn(2)) this.#slowDownAnswers();
    if (draw.oneIn(4)) return this.#isolateOutsider();
    // Without new entries the outsider can be elected as soon as it asks.
    const { address } = this.#leader;
    this.#cut(this.#parts.clients.map((client): Cut => [client, address]));
    clock.setTimer(() => this.#isolateOutsider(), QUIET_TICKS * tickMs);
  }

  #isolateOutsider(): void {
    const { draw, clock, isOver } = this.#parts;
    if (isOver()) return this.#end();
    const way = draw.weighted(WAYS);
    if (way !== "hand-over") {
      this.#cut(links([this.#leader], [this.#outsider]));
      this.#cut(links([this.#outsider], [this.#leader]));
    }
    if (way === "late vote") this.#strikeWhenAsked();
    else clock.setTimer(() => this.#strike(way), (1 + 2 * draw.fraction()) * this.#timeoutMs);
  }

  /** The leader's time passes slowly, and that of its followers fast. */
  #spreadClocks(): void {
    this.#leader.clock.set(1 / LEASE_CLOCK_RATE_MAX, 0);
    for (const { clock } of [this.#outsider, ...this.#loyal]) clock.set(LEASE_CLOCK_RATE_MAX, 0);
    this.#undo.push(() => {
      for (const { clock } of [this.#leader, this.#outsider, ...this.#loyal]) clock.set(1, 0);
    });
  }

  #slowDownAnswers(): void {
    const lateMs = this.#parts.draw.fraction() * this.#timeoutMs / 2;
    for (const loyal of this.#loyal) this.#clog(loyal, this.#leader, lateMs);
  }

  /**
   * The leader is alone from the moment in which the outsider asks for votes,
   * and its question arrives about when the last promises end.
   */
  #strikeWhenAsked(): void {
    const { clock, draw, options: { tickMs }, traps } = this.#parts;
    // The last heartbeat may have come a while ago, and the promise may last a tick longer.
    const promiseMs = (this.#timeoutMs - tickMs) / LEASE_CLOCK_RATE_MAX;
    const lateMs = draw.oneIn(3)
      ? draw.fraction() * promiseMs
      : promiseMs + (1.5 * draw.fraction() - 1) * tickMs;
    for (const loyal of this.#loyal) this.#clog(this.#outsider, loyal, lateMs);
    const { address } = this.#outsider;
    traps.arm(address, "election prepared", 1, () => {
      this.#strike("late vote");
      // What comes after its question is not late.
      for (const loyal of this.#loyal) this.#unclog(this.#outsider, loyal);
    });
    clock.setTimer(() => {
      if (!this.#isAlone) this.#end();
    }, STEP_TIMEOUTS_MAX * this.#timeoutMs);
  }

  #strike(way: Way): void {
    if (this.#hasEnded) return;
    if (this.#parts.isOver() || this.#leader.view?.status().role !== "leader") return this.#end();
    this.#isAlone = true;
    this.#desert(way);
    this.#watch();
  }

  #desert(way: Way): void {
    const peers = [this.#outsider, ...this.#loyal];
    if (way === "hand-over") {
      this.#leader.handOver(this.#outsider.id);
      this.#cut(links(peers, [this.#leader]));
      return;
    }
    // What they have answered until now still comes in.
    this.#cut(links([this.#leader], peers));
    if (way === "restart") {
      for (const loyal of this.#loyal.filter(({ isUp }) => isUp)) {
        loyal.crash();
        loyal.start();
      }
    }
  }

  /** Reads at the old leader once there is a new one. */
  #watch(): void {
    const { clock, isOver, options: { tickMs } } = this.#parts;
    const lastMs = clock.now() + STEP_TIMEOUTS_MAX * this.#timeoutMs;
    const look = () => {
      if (isOver() || clock.now() >= lastMs) return this.#end();
      if (this.#isReplaced()) this.#leader.tryRead();
      clock.setTimer(look, tickMs / LOOKS_PER_TICK);
    };
    look();
  }

  #isReplaced(): boolean {
    const { role, term } = this.#leader.view?.status() ?? {};
    if (role !== "leader" || term === undefined) return false;
    return [this.#outsider, ...this.#loyal].some(({ view }) => {
      const status = view?.status();
      return status?.role === "leader" && status.term > term;
    });
  }

  #end(): void {
    this.#hasEnded = true;
    for (const undo of this.#undo.splice(0)) undo();
    this.#parts.onEnd();
  }

  #cut(cuts: readonly Cut[]): void {
    const { network } = this.#parts.cluster;
    for (const [from, to] of cuts) network.cut(from, to);
    this.#undo.push(() => {
      for (const [from, to] of cuts) network.join(from, to);
    });
  }

  #clog(from: SimNode, to: SimNode, extraMs: number): void {
    this.#parts.cluster.network.clog(from.address, to.address, extraMs);
    this.#undo.push(() => this.#unclog(from, to));
  }

  #unclog(from: SimNode, to: SimNode): void {
    this.#parts.cluster.network.clog(from.address, to.address, 0);
  }
}

function links(from: readonly SimNode[], to: readonly SimNode[]): Cut[] {
  return from.flatMap((a) => to.map((b): Cut => [a.address, b.address]));
}
