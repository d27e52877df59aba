/** The network between all nodes and clients: slow, lossy and torn as the seed will have it. */
import { MemoryNetwork, type MemoryServer } from "../../rpc/memory/memory_network.ts";
import type { Channel, Dialer, ServiceRoutes } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Draw } from "./draw.ts";
import { LateCalls } from "./late_calls.ts";
import type { LinkOptions } from "./options.ts";
import { RaftStreams } from "./raft_streams.ts";
import type { Statistics } from "./statistics.ts";

export interface SimNetworkOptions {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly links: LinkOptions;
  readonly statistics: Statistics;
}

export class SimNetwork {
  readonly #options: SimNetworkOptions;
  readonly #network: MemoryNetwork;
  readonly #raft: RaftStreams;
  readonly #calls: LateCalls;
  /** Milliseconds that messages of a clogged pair take more, by `from -> to`. */
  readonly #clogged = new Map<string, number>();
  #healed = false;

  constructor(options: SimNetworkOptions) {
    this.#options = options;
    const { clock, links } = options;
    this.#network = new MemoryNetwork({
      clock,
      keepaliveMs: links.keepaliveMs,
      delayMs: (from, to) => this.#delayMs(from, to),
    });
    const faults = () => this.#healed ? undefined : links;
    this.#raft = new RaftStreams({ ...options, faults });
    this.#calls = new LateCalls({ ...options, faults });
  }

  serve(address: string, routes: ServiceRoutes): MemoryServer {
    return this.#network.serve(address, routes);
  }

  /**
   * Raft messages of this dialer are lost, repeated, delayed and overtaken one
   * by one, and calls to other groups arrive again.
   */
  dialer(from: string): Dialer {
    const dialer = this.#network.dialer(from);
    return {
      channel: (address): Channel =>
        this.#calls.wrap(this.#raft.wrap(from, dialer.channel(address))),
      forget: (address) => dialer.forget(address),
      close: () => dialer.close(),
    };
  }

  /** Loses everything from one address to another. */
  cut(from: string, to: string): void {
    if (!this.#healed) this.#network.cut(from, to);
  }

  /** Takes a cut back. */
  join(from: string, to: string): void {
    this.#network.heal(from, to);
  }

  /** Makes everything from one address to another slower; 0 takes it back. */
  clog(from: string, to: string, extraMs: number): void {
    if (extraMs > 0 && !this.#healed) this.#clogged.set(linkName(from, to), extraMs);
    else this.#clogged.delete(linkName(from, to));
  }

  /** Nothing is cut, lost or slow from now on. */
  heal(): void {
    this.#healed = true;
    this.#network.heal();
    this.#clogged.clear();
  }

  #delayMs(from: string, to: string): number {
    const { draw, links, statistics } = this.#options;
    const { latencyMinMs, latencyMaxMs } = links;
    const delay = latencyMinMs + draw.fraction() * (latencyMaxMs - latencyMinMs);
    if (this.#healed) return delay;
    if (draw.oneIn(links.breakOdds)) {
      statistics.fault("connection broken");
      return Infinity;
    }
    return delay + (this.#clogged.size === 0 ? 0 : this.#clogged.get(linkName(from, to)) ?? 0);
  }
}

function linkName(from: string, to: string): string {
  return `${from} -> ${to}`;
}
