/** Who leads, as far as this node knows, and what callers hear when it is not this node. */
import { KvError } from "../../../rpc/errors.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { SoftState } from "../../ready.ts";
import { type NodeId, NONE } from "../../types.ts";
import { lost } from "./proposals.ts";

export interface LeadershipOptions {
  readonly soft: SoftState;
  readonly addressOf: (node: NodeId) => string | undefined;
  readonly logger: Logger;
  /** This node begins to lead a term. */
  readonly onWon: () => void;
  /** This node no longer leads the term it led. */
  readonly onLost: () => void;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #listeners = new Set<() => void>();
  #soft: SoftState;
  #isOver = false;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#soft = options.soft;
  }

  /** Whether this node leads. */
  get isOwn(): boolean {
    return this.#soft.role === "leader" && !this.#isOver;
  }

  /** @throws {KvError} NOT_LEADER, if this node does not lead */
  demand(): void {
    if (!this.isOwn) throw this.notLeader();
  }

  /** The node goes on no more, so it leads nobody. */
  end(): void {
    this.#isOver = true;
  }

  /** Calls back on every change of role, leader or term. Returns a function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The core has said something new. */
  take(soft: SoftState): void {
    const { logger, onWon, onLost } = this.#options;
    const previous = this.#soft;
    this.#soft = soft;
    const isSameReign = soft.role === "leader" && soft.term === previous.term;
    const hasLed = previous.role === "leader";
    if (hasLed && !isSameReign) onLost();
    if (soft.role === "leader" && !(hasLed && isSameReign)) onWon();
    if (soft.role !== previous.role || soft.leader !== previous.leader) {
      const leader = soft.leader === NONE ? "none" : soft.leader - 1;
      logger.info("Changed role", { role: soft.role, term: soft.term, leader });
    }
    for (const listener of [...this.#listeners]) listener();
  }

  /** For what was asked of a node that does not lead; nothing has happened. */
  notLeader(): KvError {
    const leader = this.#soft.role === "leader" ? undefined : this.#address();
    const where = leader === undefined ? "no leader is known" : `the leader is ${leader}`;
    return new KvError("NOT_LEADER", `This replica does not lead its group: ${where}`, { leader });
  }

  /** For what was under way when leadership was lost; it may happen all the same. */
  lost(): KvError {
    return lost(this.#address());
  }

  #address(): string | undefined {
    return this.#options.addressOf(this.#soft.leader);
  }
}
