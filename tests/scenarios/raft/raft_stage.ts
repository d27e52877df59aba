/** A bare Raft group on virtual time, watched throughout: what the labs' Raft scenarios are played on. */
import { assert, assertEquals } from "@std/assert";
import { assertReplicasEqual } from "../../../raft/node/testing/replica_content.ts";
import { TestGroup, type TestGroupOptions } from "../../../raft/node/testing/test_group.ts";
import type { NodeId } from "../../../raft/types.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { Draw } from "../../sim/draw.ts";
import type { RaftLinkOptions } from "../../sim/options.ts";
import { AgreementWatch } from "./agreement_watch.ts";
import { UnreliableLinks } from "./unreliable_links.ts";

/** Milliseconds in which a connected majority must agree on anything. */
const AGREE_MS = 30_000;
/** Milliseconds until a connection that lost a message counts as broken. */
const KEEPALIVE_MS = 200;

export interface RaftStageOptions extends Pick<TestGroupOptions, "retainedEntriesMax" | "raft"> {
  readonly seed?: number;
  /** What happens to messages. @default {nothing} */
  readonly faults?: RaftLinkOptions;
}

export class RaftStage {
  readonly watch: AgreementWatch;
  readonly links: UnreliableLinks;
  readonly draw: Draw;
  readonly group: TestGroup;
  readonly #away = new Set<NodeId>();
  #proposed = 0;

  private constructor(
    group: TestGroup,
    parts: { watch: AgreementWatch; links: UnreliableLinks; draw: Draw },
  ) {
    this.group = group;
    this.watch = parts.watch;
    this.links = parts.links;
    this.draw = parts.draw;
  }

  static async open(size: number, options: RaftStageOptions = {}): Promise<RaftStage> {
    const { seed = 1, faults, ...tuning } = options;
    const draw = new Draw(createPrng(seed));
    const watch = new AgreementWatch();
    const links = new UnreliableLinks(draw.fork(), faults);
    const group = await TestGroup.start(size, seed, {
      ...tuning,
      network: { delayMs: links.delayMs, keepaliveMs: KEEPALIVE_MS },
      dialer: links.wrap,
      observer: watch.observer,
    });
    return new RaftStage(group, { watch, links, draw });
  }

  get ids(): NodeId[] {
    return this.group.ids;
  }

  /** Nodes that run and are connected. */
  get present(): NodeId[] {
    return this.ids.filter((id) => this.group.isRunning(id) && !this.#away.has(id));
  }

  advance(ms: number): Promise<void> {
    return this.group.clock.advance(ms);
  }

  /** Cuts all links of the nodes. */
  disconnect(...ids: NodeId[]): void {
    for (const id of ids) this.#away.add(id);
    this.#link();
  }

  /** Connects the nodes with each other and with whoever is connected. */
  connect(...ids: NodeId[]): void {
    for (const id of ids) this.#away.delete(id);
    this.#link();
  }

  /** Connects all and lets no message be lost any more. */
  heal(): void {
    this.links.faults = undefined;
    this.connect(...this.ids);
  }

  /** Cuts the power of the nodes, of all at once. */
  crash(...ids: NodeId[]): Promise<void> {
    return this.group.crash(...ids);
  }

  async restart(...ids: NodeId[]): Promise<void> {
    for (const id of ids) await this.group.restart(id);
  }

  /** Waits until one of the present nodes leads and no other one does in its term or a later one. */
  async leader(): Promise<NodeId> {
    await this.group.clock.advanceUntil(() => this.leaderNow() !== 0, AGREE_MS);
    return this.leaderNow();
  }

  /** The present node that leads in the highest term and is followed by a majority, or 0. */
  leaderNow(): NodeId {
    const statuses = this.present.map((id) => this.group.node(id).status());
    const leader = statuses.filter(({ role }) => role === "leader")
      .sort((a, b) => b.term - a.term)[0];
    const followers = statuses.filter((s) => s.leader === leader?.id && s.term === leader.term);
    return followers.length > this.ids.length / 2 ? leader?.id ?? 0 : 0;
  }

  /** A proposal nobody else makes. */
  nextProposal(): string {
    return `x=<${this.#proposed++}>`;
  }

  /** Proposes on a node; the promise never rejects but says whether the proposal was acknowledged. */
  propose(id: NodeId, proposal: string = this.nextProposal()): Promise<boolean> {
    return this.group.node(id).propose(Buffer.from(proposal)).then(() => true, () => false);
  }

  /** Has new proposals agreed on until one of them is acknowledged, and returns that one. */
  async agree(): Promise<string> {
    const { clock } = this.group;
    const endMs = clock.now() + AGREE_MS;
    while (clock.now() < endMs) {
      const proposal = this.nextProposal();
      const done = await clock.resolve(this.propose(await this.leader(), proposal), AGREE_MS);
      if (done) return proposal;
    }
    throw new Error(`The present nodes agree on nothing within ${AGREE_MS} ms`);
  }

  /** Waits until this many nodes have applied the proposal. */
  async appliedBy(proposal: string, nodes: number): Promise<void> {
    await this.group.clock.advanceUntil(() => this.watch.appliedBy(proposal) >= nodes, AGREE_MS);
  }

  /** The other present nodes. */
  othersThan(id: NodeId): NodeId[] {
    return this.present.filter((other) => other !== id);
  }

  /**
   * Ends a scenario: everybody comes together, all replicas are equal, and what
   * was acknowledged is in them once.
   */
  async finish(acknowledged: readonly string[] = []): Promise<void> {
    this.heal();
    for (const id of this.ids) if (!this.group.isRunning(id)) await this.restart(id);
    await this.advance(5_000);
    const last = await this.agree();
    await this.group.converge(60_000);
    const value = await assertReplicasEqual(this.group);
    const tokens = value.match(/<\d+>/g) ?? [];
    assertEquals(new Set(tokens).size, tokens.length, "A proposal took effect twice");
    const found = new Set(tokens);
    for (const proposal of [...acknowledged, last]) {
      assert(found.has(proposal.slice(2)), `${proposal} was acknowledged and is gone`);
    }
    assertEquals(this.group.failures, []);
  }

  #link(): void {
    const { network } = this.group;
    for (const a of this.ids) {
      for (const b of this.ids.filter((id) => id !== a)) {
        const [from, to] = [this.group.address(a), this.group.address(b)];
        if (this.#away.has(a) || this.#away.has(b)) network.cut(from, to);
        else network.heal(from, to);
      }
    }
  }
}

/** Plays a scenario on a group of its own and ends it whatever happens. */
export async function play(
  size: number,
  options: RaftStageOptions,
  scenario: (stage: RaftStage) => Promise<void>,
): Promise<void> {
  const stage = await RaftStage.open(size, options);
  try {
    // A new group begins once all its members have met.
    await stage.leader();
    await scenario(stage);
  } catch (error) {
    // What a node failed of tells more than what became of the scenario then.
    throw stage.group.failures[0] ?? error;
  } finally {
    stage.heal();
    await stage.group.stop();
  }
}
