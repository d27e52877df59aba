/** A whole cluster of controllers in one process: virtual time, memory engines, a memory network. */
import { CtrlerClerk, type CtrlerClerkOptions } from "../../client/ctrler_clerk.ts";
import { MemoryNetwork, type MemoryServer } from "../../rpc/memory/memory_network.ts";
import type { Dialer } from "../../rpc/service.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { MemoryEngine, type MemoryOperation } from "../../storage/memory_engine.ts";
import { Controller, type ControllerOptions } from "../controller.ts";

type Tuning = Partial<
  Pick<ControllerOptions, "shards" | "forward" | "retainedEntriesMax" | "retainedBytesMax">
>;

/** Milliseconds the next message takes from one address to another; Infinity: its connection breaks. */
export type MessageDelay = (prng: Prng, from: string, to: string) => number;

interface Member {
  readonly node: Controller;
  readonly server: MemoryServer;
}

export class ControllerCluster {
  readonly clock = new VirtualClock();
  readonly network: MemoryNetwork;
  readonly addresses: readonly string[];
  /** What made nodes give up. */
  readonly failures: unknown[] = [];
  /** Batches that engines were asked to write so far. */
  writes = 0;
  readonly #prng: Prng;
  readonly #tuning: Tuning;
  readonly #engines: MemoryEngine[];
  readonly #members = new Map<number, Member>();
  readonly #dialers: Dialer[] = [];
  readonly #clerks: CtrlerClerk[] = [];

  private constructor(
    size: number,
    tuning: Tuning,
    delayMs: MessageDelay,
    keepaliveMs: number | undefined,
  ) {
    this.#prng = createPrng(size);
    this.#tuning = tuning;
    this.addresses = Array.from({ length: size }, (_, i) => `ctrl-${i}:1`);
    this.#engines = this.addresses.map(() => new MemoryEngine({ delay: this.#onOperation }));
    const { clock } = this;
    this.network = new MemoryNetwork({
      clock,
      delayMs: (from, to) => delayMs(this.#prng, from, to),
      ...(keepaliveMs === undefined ? {} : { keepaliveMs }),
    });
  }

  /** Starts controllers and waits until they lead and have configuration 0. */
  static async start(
    size: number,
    tuning: Tuning = { shards: 10 },
    delayMs: MessageDelay = () => 0,
    keepaliveMs?: number,
  ): Promise<ControllerCluster> {
    const cluster = new ControllerCluster(size, tuning, delayMs, keepaliveMs);
    for (const position of cluster.addresses.keys()) await cluster.restart(position);
    await cluster.run(cluster.clerk().query());
    return cluster;
  }

  node(position: number): Controller {
    const member = this.#members.get(position);
    if (member === undefined) throw new Error(`Controller ${position} is down`);
    return member.node;
  }

  engine(position: number): MemoryEngine {
    const engine = this.#engines[position];
    if (engine === undefined) throw new Error(`There is no controller ${position}`);
    return engine;
  }

  /** Position of the leader that most of the cluster follows; -1 while there is none. */
  leader(): number {
    const votes = new Map<string, number>();
    for (const { node } of this.#members.values()) {
      const { leaderAddress } = node.status();
      votes.set(leaderAddress, (votes.get(leaderAddress) ?? 0) + 1);
    }
    const majority = Math.floor(this.addresses.length / 2) + 1;
    return this.addresses.findIndex((address) => (votes.get(address) ?? 0) >= majority);
  }

  /** Starts a node from whatever its engine holds. */
  async restart(position: number, tuning: Tuning = {}): Promise<void> {
    const address = this.addresses[position] ?? "";
    const node = await Controller.open({
      ...this.#tuning,
      ...tuning,
      position,
      members: this.addresses,
      clusterToken: "test",
      engine: this.engine(position),
      dialer: this.dialer(address),
      clock: this.clock,
      prng: this.#prng,
      logger: silentLogger,
      onFatal: (error) => this.failures.push(error),
    });
    this.#members.set(position, { node, server: this.network.serve(address, node.routes) });
  }

  /** As kill -9 with a power cut: what was not synced may be gone. */
  async crash(position: number): Promise<void> {
    this.#engines[position] = this.engine(position).crash(this.#prng);
    await this.shutdown(position);
  }

  /** As if its disk was replaced by an empty one while it was down. */
  wipe(position: number): void {
    this.#engines[position] = new MemoryEngine({ delay: this.#onOperation });
  }

  async shutdown(position: number): Promise<void> {
    const member = this.#members.get(position);
    this.#members.delete(position);
    member?.server.close();
    if (member !== undefined) await this.run(member.node.stop());
  }

  /** Cuts a node off from the others, not from clients, or joins it again. */
  isolate(position: number, isCut = true): void {
    const address = this.addresses[position] ?? "";
    for (const other of this.addresses) {
      if (other === address) continue;
      for (const [from, to] of [[address, other], [other, address]] as const) {
        if (isCut) this.network.cut(from, to);
        else this.network.heal(from, to);
      }
    }
  }

  dialer(from = "client"): Dialer {
    const dialer = this.network.dialer(from);
    this.#dialers.push(dialer);
    return dialer;
  }

  clerk(options: Partial<CtrlerClerkOptions> = {}): CtrlerClerk {
    const clerk = new CtrlerClerk({
      controllers: this.addresses,
      dialer: this.dialer(),
      clock: this.clock,
      prng: this.#prng,
      ...options,
    });
    this.#clerks.push(clerk);
    return clerk;
  }

  /** Lets virtual time pass until the promise is settled. */
  run<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    return this.clock.resolve(promise, limitMs);
  }

  readonly #onOperation = (operation: MemoryOperation): Promise<void> => {
    if (operation !== "read") this.writes++;
    return Promise.resolve();
  };

  async [Symbol.asyncDispose](): Promise<void> {
    for (const clerk of this.#clerks) clerk.close();
    for (const position of this.addresses.keys()) await this.shutdown(position);
    for (const dialer of this.#dialers) await this.run(dialer.close());
    for (const engine of this.#engines) await engine.close();
  }
}
