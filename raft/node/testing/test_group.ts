/** A whole Raft group in one process: virtual time, memory engines, a memory network. */
import {
  MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryServer,
} from "../../../rpc/memory/memory_network.ts";
import type { Dialer } from "../../../rpc/service.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createPrng, type Prng } from "../../../runtime/prng.ts";
import { VirtualClock } from "../../../runtime/virtual_clock.ts";
import type { Engine } from "../../../storage/engine.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import type { NodeId } from "../../types.ts";
import type { RaftObserver } from "../observer.ts";
import type { RaftNodeOptions } from "../raft_node_options.ts";
import { RaftNode } from "../raft_node.ts";
import { RegisterMachine } from "./register_machine.ts";

export interface TestGroupOptions
  extends Pick<RaftNodeOptions, "raft" | "retainedEntriesMax" | "retainedBytesMax"> {
  readonly network?: Omit<MemoryNetworkOptions, "clock">;
  /** What a node calls its peers with, made of what the network gives it. */
  readonly dialer?: (clock: Clock, from: string, dialer: Dialer) => Dialer;
  /** What a node writes to, made of its memory engine. */
  readonly engine?: (id: NodeId, engine: Engine) => Engine;
  readonly observer?: (id: NodeId) => RaftObserver;
}

interface Member {
  node: RaftNode;
  machine: RegisterMachine;
  engine: MemoryEngine;
  server: MemoryServer;
}

export class TestGroup {
  readonly clock = new VirtualClock();
  readonly network: MemoryNetwork;
  readonly failures: unknown[] = [];
  readonly #prng: Prng;
  readonly #options: TestGroupOptions;
  readonly #addresses: ReadonlyMap<NodeId, string>;
  readonly #members = new Map<NodeId, Member>();
  readonly #engines = new Map<NodeId, MemoryEngine>();
  readonly #writes = new Map<NodeId, number>();
  readonly #stops: Promise<void>[] = [];

  private constructor(size: number, seed: number, options: TestGroupOptions) {
    this.#prng = createPrng(seed);
    this.#options = options;
    this.network = new MemoryNetwork({ ...options.network, clock: this.clock });
    const ids = Array.from({ length: size }, (_, i) => i + 1);
    this.#addresses = new Map(ids.map((id) => [id, `node${id}:1`]));
  }

  /** A group none of whose nodes was ever started. */
  static create(size: number, seed = 1, options: TestGroupOptions = {}): TestGroup {
    return new TestGroup(size, seed, options);
  }

  static async start(size: number, seed = 1, options: TestGroupOptions = {}): Promise<TestGroup> {
    const group = TestGroup.create(size, seed, options);
    for (const id of group.#addresses.keys()) await group.restart(id);
    return group;
  }

  get ids(): NodeId[] {
    return [...this.#addresses.keys()];
  }

  address(id: NodeId): string {
    return this.#addresses.get(id) ?? "";
  }

  node(id: NodeId): RaftNode {
    return this.#member(id).node;
  }

  machine(id: NodeId): RegisterMachine {
    return this.#member(id).machine;
  }

  engine(id: NodeId): MemoryEngine {
    return this.#member(id).engine;
  }

  /** Batches a node's engine was asked to write so far. */
  writes(id: NodeId): number {
    return this.#writes.get(id) ?? 0;
  }

  /** Starts a node from whatever its engine holds. */
  async restart(id: NodeId): Promise<void> {
    const engine = this.#engines.get(id) ?? this.#createEngine(id);
    this.#engines.set(id, engine);
    const machine = new RegisterMachine();
    const { network: _, dialer: wrap, engine: wrapEngine, observer, ...tuning } = this.#options;
    const dialer = this.network.dialer(this.address(id));
    const node = await RaftNode.open({
      ...tuning,
      identity: { clusterId: "7", gid: 1, nodeId: id },
      members: this.#addresses,
      engine: wrapEngine?.(id, engine) ?? engine,
      machine,
      dialer: wrap?.(this.clock, this.address(id), dialer) ?? dialer,
      observer: observer?.(id),
      clock: this.clock,
      prng: this.#prng,
      logger: silentLogger,
      onFatal: (error) => this.failures.push(error),
    });
    const server = this.network.serve(this.address(id), node.routes);
    this.#members.set(id, { node, machine, engine, server });
  }

  /** As kill -9 with a power cut, of all at once: what was not synced may be gone. */
  async crash(...ids: NodeId[]): Promise<void> {
    for (const id of ids) this.powerOff(id);
    await this.#awaitStops();
  }

  /** A crash right now, in the middle of whatever the node does; one that is booting too. */
  powerOff(id: NodeId): void {
    const engine = this.#engines.get(id);
    if (engine === undefined) throw new RangeError(`Node ${id} has never run`);
    this.#engines.set(id, engine.crash(this.#prng));
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#members.delete(id);
    member.server.close();
    this.#stops.push(member.node.stop());
  }

  /** Takes a node's disk away, which must not run: it starts on an empty one. */
  wipe(id: NodeId): void {
    if (this.isRunning(id)) throw new RangeError(`Cannot wipe node ${id}: it is running`);
    this.#engines.delete(id);
  }

  isRunning(id: NodeId): boolean {
    return this.#members.has(id);
  }

  /** Cuts all links between the nodes named and the others. */
  isolate(...ids: NodeId[]): void {
    for (const a of ids) {
      for (const b of this.ids.filter((id) => !ids.includes(id))) {
        this.network.cut(this.address(a), this.address(b));
        this.network.cut(this.address(b), this.address(a));
      }
    }
  }

  heal(): void {
    this.network.heal();
  }

  async leader(limitMs = 10_000): Promise<NodeId> {
    await this.clock.advanceUntil(() => this.#agreedLeader() !== 0, limitMs);
    return this.#agreedLeader();
  }

  /** Proposes on the leader and waits for the reply. */
  async write(text: string): Promise<string> {
    const reply = this.node(await this.leader()).propose(Buffer.from(text));
    return String(await this.clock.resolve(reply, 10_000));
  }

  /** Waits until every running node has applied everything the furthest has. */
  async converge(limitMs = 20_000): Promise<void> {
    await this.clock.advanceUntil(() => {
      const statuses = [...this.#members.values()].map(({ node }) => node.status());
      const furthest = Math.max(...statuses.map(({ lastIndex }) => lastIndex));
      return statuses.every(({ applied }) => applied === furthest);
    }, limitMs);
  }

  async stop(): Promise<void> {
    for (const { node, server } of this.#members.values()) {
      server.close();
      this.#stops.push(node.stop());
    }
    await this.#awaitStops();
    for (const engine of this.#engines.values()) await engine.close();
  }

  async #awaitStops(): Promise<void> {
    await this.clock.resolve(Promise.all(this.#stops.splice(0)), 10_000);
  }

  /** The node that leads in the highest term, once a majority follows it; 0 if there is none. */
  #agreedLeader(): NodeId {
    const statuses = [...this.#members.values()].map(({ node }) => node.status());
    const leaders = statuses.filter(({ role }) => role === "leader");
    const leader = leaders.sort((a, b) => b.term - a.term)[0];
    if (leader === undefined) return 0;
    const followers = statuses.filter((s) => s.leader === leader.id && s.term === leader.term);
    return followers.length > this.#addresses.size / 2 ? leader.id : 0;
  }

  #createEngine(id: NodeId): MemoryEngine {
    return new MemoryEngine({
      delay: (operation) => {
        if (operation !== "read") this.#writes.set(id, this.writes(id) + 1);
        return Promise.resolve();
      },
    });
  }

  #member(id: NodeId): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new RangeError(`Node ${id} is not running`);
    return member;
  }
}
