/** Everything that can go wrong between and inside nodes, at random, from a seed. */
import { assert } from "@std/assert";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import type { RaftConfig } from "../config.ts";
import type { MemberChange } from "../membership/conf_change.ts";
import type { Message } from "../message.ts";
import { ProposalError } from "../proposal_error.ts";
import type { NodeId } from "../types.ts";
import { SafetyChecker } from "./safety_checker.ts";
import { TestNode } from "./test_node.ts";

/** Messages under way; more are lost, as in any real queue. */
const IN_TRANSIT_MAX = 200;

/** Nodes beside the first members that may be taken in. */
const NEWCOMERS = 2;

/** Ticks after which a snapshot that nobody fetches is given up. */
const SNAPSHOT_PATIENCE_TICKS = 20;

export class Chaos {
  readonly #prng: Prng;
  readonly #nodes: TestNode[];
  readonly #checker: SafetyChecker;
  #inTransit: Message[] = [];
  #cutOff = new Set<NodeId>();
  #counter = 0;
  /** Changes of members that were proposed. */
  changes = 0;

  /** @param thrifty The nodes hold messages back, until their drivers ask for them now and then */
  constructor(seed: number, thrifty: boolean) {
    this.#prng = createPrng(seed);
    const size = 3 + this.#prng.below(3);
    const voters = Array.from({ length: size }, (_, i) => i + 1);
    const ids = Array.from({ length: size + NEWCOMERS }, (_, i) => i + 1);
    const config = { ...this.#drawConfig(), thrifty };
    this.#nodes = ids.map((id) =>
      new TestNode({ id, voters, config, prng: createPrng(seed * 100 + id) })
    );
    this.#checker = new SafetyChecker(this.#nodes);
    for (const node of this.#nodes) node.onReady = (ready) => this.#checker.ready(node, ready);
  }

  /** Small limits, so that their edges are met all the time. */
  #drawConfig(): Partial<RaftConfig> {
    return {
      electionTicks: 5,
      heartbeatTicks: 1,
      appendBytesMax: 1 + this.#prng.below(40),
      inflightMessagesMax: 1 + this.#prng.below(4),
      inflightBytesMax: 1 + this.#prng.below(100),
      uncommittedBytesMax: 100,
      applyBytesMax: 1 + this.#prng.below(40),
      pendingReadsMax: 3,
      preVote: this.#prng.below(2) === 0,
      checkQuorum: this.#prng.below(2) === 0,
    };
  }

  get committed(): number {
    return this.#checker.committedMax;
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) this.#act();
  }

  #pick(): TestNode {
    const node = this.#nodes[this.#prng.below(this.#nodes.length)];
    assert(node !== undefined, "there is a node");
    return node;
  }

  #act(): void {
    const dice = this.#prng.below(1000);
    // Often enough, and no draw of its own: kept seeds must go on meaning what they did.
    if (dice % 20 === 0) { for (const { raw } of this.#nodes) raw.sendHeld(); }
    if (dice < 400) this.#deliverAny(this.#prng.below(10) === 0);
    else if (dice < 650) this.#emit(this.#pick(), (node) => node.take());
    else if (dice < 850) this.#save(this.#pick());
    else if (dice < 875) this.#pick().raw.tick();
    else if (dice < 952) this.#attempt((node) => node.propose(`p${this.#counter++}`));
    else if (dice < 960) this.#attempt((node) => this.#read(node));
    else if (dice < 970) this.#attempt((node) => this.#changeMembers(this.#latestLeader() ?? node));
    else if (dice < 980) this.#compact(this.#pick());
    else if (dice < 985) this.#pick().raw.transferLeader(this.#pick().id);
    else if (dice < 987) this.#repartition();
    else if (dice < 990) this.#crash(this.#pick());
    else if (dice < 992) this.#pick().raw.reportUnreachable(this.#pick().id);
    else if (dice < 994) this.#pick().raw.reportGone(this.#pick().id);
    else if (dice < 998) this.#inTransit.splice(this.#prng.below(this.#inTransit.length + 1), 1);
    else this.#pick().raw.reportSnapshot(this.#pick().id, this.#prng.below(2) === 0);
  }

  #attempt(action: (node: TestNode) => void): void {
    try {
      action(this.#pick());
    } catch (error) {
      if (!(error instanceof ProposalError)) throw error;
    }
  }

  #changeMembers(node: TestNode): void {
    const types = ["addVoter", "addVoter", "addLearner", "remove"] as const;
    const changes = Array.from({ length: 1 + this.#prng.below(2) }, (): MemberChange => {
      return { type: types[this.#prng.below(types.length)] ?? "remove", id: this.#pick().id };
    });
    node.proposeChange(...changes);
    this.changes++;
  }

  #read(node: TestNode): void {
    const context = ++this.#counter;
    this.#checker.readBegins(node, context);
    node.raw.readIndex(context);
  }

  #emit(node: TestNode, act: (node: TestNode) => readonly Message[]): void {
    for (const message of act(node)) {
      const isCut = this.#cutOff.has(message.from) !== this.#cutOff.has(message.to);
      if (isCut) continue;
      if (this.#inTransit.length >= IN_TRANSIT_MAX) this.#inTransit.shift();
      this.#inTransit.push(structuredClone(message));
    }
  }

  #save(node: TestNode): void {
    const [ready] = node.unsaved;
    if (ready === undefined) return;
    const messages = node.save();
    this.#checker.afterSave(node, ready);
    this.#emit(node, () => messages);
  }

  /** Any message that is under way, not the oldest: the network reorders. */
  #deliverAny(keep: boolean): void {
    if (this.#inTransit.length === 0) return;
    const at = this.#prng.below(Math.min(8, this.#inTransit.length));
    const message = this.#inTransit[at];
    assert(message !== undefined, "there is a message");
    if (!keep) this.#inTransit.splice(at, 1);
    this.#hand(message);
  }

  #hand(message: Message): void {
    const target = this.#nodes[message.to - 1];
    const source = this.#nodes[message.from - 1];
    assert(target !== undefined && source !== undefined, "both ends exist");
    // A snapshot that its sender has lost in a crash cannot be fetched any more.
    if (message.type === "snapshot" && source.disk.appliedIndex < message.snapshot.index) return;
    target.receive(
      structuredClone(message),
      ({ index }) => source.disk.applied.slice(0, index),
    );
  }

  #compact(node: TestNode): void {
    node.compact(node.status.applied - this.#prng.below(5));
  }

  #repartition(): void {
    this.#cutOff = new Set(
      this.#nodes.map((node) => node.id).filter(() => this.#prng.below(2) === 0),
    );
  }

  /** Loses what is unsaved, and a part of what is applied: that is not synced. */
  #crash(node: TestNode): void {
    const { disk } = node;
    const lost = this.#prng.below(4);
    disk.applied.length = Math.max(disk.logStart.index, disk.appliedIndex - lost);
    node.restart();
    this.#checker.restarted(node);
  }

  /** Ends all trouble; from then on the group must get a proposal through. */
  heal(ticksMax: number): void {
    this.#cutOff.clear();
    for (let tick = 0; tick < ticksMax; tick++) {
      for (const node of this.#nodes) node.raw.tick();
      if (tick % SNAPSHOT_PATIENCE_TICKS === 0) this.#abandonSnapshots();
      this.#settle();
      this.#attempt((node) => node.propose("healed"));
      this.#settle();
      if (this.#members().every((node) => node.appliedTexts.at(-1) === "healed")) return;
    }
    throw new Error(`Cannot make progress: nothing is committed ${ticksMax} ticks after the end`);
  }

  /** Who belongs to the group as its latest leader sees it; everybody while there is none. */
  #members(): readonly TestNode[] {
    const leader = this.#latestLeader();
    return this.#nodes.filter(({ id }) => leader?.status.progress.has(id) ?? true);
  }

  #latestLeader(): TestNode | undefined {
    const leaders = this.#nodes.filter(({ status }) => status.role === "leader");
    return leaders.sort((a, b) => b.status.term - a.status.term)[0];
  }

  /** What a driver does when nobody comes to fetch a snapshot: its name was lost on the way. */
  #abandonSnapshots(): void {
    for (const node of this.#nodes) {
      for (const [id, { state }] of node.status.progress) {
        if (state === "snapshot") node.raw.reportSnapshot(id, false);
      }
    }
  }

  #settle(): void {
    for (let delivered = 0; delivered < 20_000; delivered++) {
      for (const node of this.#nodes) {
        this.#emit(node, () => node.take());
        while (node.unsaved.length > 0) this.#save(node);
      }
      const message = this.#inTransit.shift();
      if (message !== undefined) this.#hand(message);
      else if (!this.#nodes.some((node) => node.raw.hasReady())) return;
    }
    throw new Error("Cannot settle: nodes keep talking without end");
  }
}
