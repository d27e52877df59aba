/** A group of nodes in memory, joined by links that tests can cut. */
import { assert } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import type { RaftConfig } from "../config.ts";
import { describeMessage } from "../describe.ts";
import type { Message } from "../message.ts";
import type { ConfState, NodeId } from "../types.ts";
import { Disk } from "./disk.ts";
import { TestNode, voters } from "./test_node.ts";

export interface TestNetworkOptions {
  /** Number of voters, ids from 1 on. */
  size: number;
  /** Or a membership of another kind; every member gets a node. */
  confState?: ConfState;
  config?: Partial<RaftConfig>;
  seed?: number;
}

/** Messages delivered in one `settle` before the test is held to run in circles. */
const DELIVERED_MAX = 100_000;

export class TestNetwork {
  readonly nodes = new Map<NodeId, TestNode>();
  readonly #cutLinks = new Set<string>();
  readonly #options: TestNetworkOptions;
  #inTransit: Message[] = [];
  /** Messages for which this says true are lost. */
  loses: (message: Message) => boolean = () => false;
  /** Everything that was sent, lost or not, one line each; only since `trace` was cleared. */
  trace: string[] = [];

  constructor(options: TestNetworkOptions) {
    this.#options = options;
    const ids = Array.from({ length: options.size }, (_, i) => i + 1);
    for (const id of new Set([...ids, ...options.confState?.learners ?? []])) this.addNode(id);
  }

  /** Starts a node that begins with the group's first members, whether it is one of them or not. */
  addNode(id: NodeId): TestNode {
    const { size, confState, config = {}, seed = 1 } = this.#options;
    const first = confState ?? voters(...Array.from({ length: size }, (_, i) => i + 1));
    const node = new TestNode({
      id,
      disk: new Disk(first),
      config,
      prng: createPrng(seed * 1000 + id),
    });
    this.nodes.set(id, node);
    return node;
  }

  node(id: NodeId): TestNode {
    const node = this.nodes.get(id);
    assert(node !== undefined, `node ${id} exists`);
    return node;
  }

  /** Cuts the link from one node to another, in that direction only. */
  cutOneWay(from: NodeId, to: NodeId): void {
    this.#cutLinks.add(`${from}>${to}`);
  }

  cut(a: NodeId, b: NodeId): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /** Cuts all links between the nodes named and the others. */
  isolate(...ids: NodeId[]): void {
    for (const a of ids) {
      for (const b of this.nodes.keys()) {
        if (!ids.includes(b)) this.cut(a, b);
      }
    }
  }

  heal(): void {
    this.#cutLinks.clear();
    this.loses = () => false;
  }

  /** Delivers and does everything there is until nobody has anything left to do. */
  settle(): void {
    for (let delivered = 0; delivered < DELIVERED_MAX; delivered++) {
      for (const node of this.nodes.values()) this.#send(node.drain());
      const message = this.#inTransit.shift();
      if (message === undefined) return;
      this.#deliver(message);
    }
    throw new Error("Cannot settle: nodes keep talking without end");
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages) {
      this.trace.push(describeMessage(message));
      this.#inTransit.push(message);
    }
  }

  #deliver(message: Message): void {
    const target = this.nodes.get(message.to);
    const isCut = this.#cutLinks.has(`${message.from}>${message.to}`);
    if (target === undefined || isCut || this.loses(message)) return;
    // A copy, as a wire would make: nodes must not share anything.
    target.receive(
      structuredClone(message),
      ({ index }) => this.node(message.from).disk.applied.slice(0, index),
    );
  }

  tick(ticks = 1): void {
    for (let i = 0; i < ticks; i++) {
      for (const node of this.nodes.values()) node.raw.tick();
      this.settle();
    }
  }

  /** Has the node campaign, and everybody answer. */
  elect(id: NodeId): TestNode {
    this.node(id).raw.campaign();
    this.settle();
    const node = this.node(id);
    assert(node.status.role === "leader", `node ${id} leads after its campaign`);
    return node;
  }

  /** The leaders there are; more than one only in different terms. */
  leaders(): TestNode[] {
    return [...this.nodes.values()].filter((node) => node.status.role === "leader");
  }

  /** Ticks until one node leads and everybody in `ids` follows it. */
  awaitLeader(ids: readonly NodeId[] = [...this.nodes.keys()], ticksMax = 500): TestNode {
    for (let i = 0; i < ticksMax; i++) {
      const leader = ids.map((id) => this.node(id)).find(({ status }) =>
        status.role === "leader" &&
        ids.every((id) => {
          const other = this.node(id).status;
          return other.leader === status.id && other.term === status.term;
        })
      );
      if (leader !== undefined) return leader;
      this.tick();
    }
    throw new Error(`Cannot find a leader among ${ids}: none within ${ticksMax} ticks`);
  }

  propose(id: NodeId, ...texts: string[]): void {
    for (const text of texts) this.node(id).propose(text);
    this.settle();
  }
}
