/** Strikes at the very moment something happens: most bugs hide between two steps that belong together. */
import type { Clock } from "../../runtime/clock.ts";
import type { AppliedEntry, NodeView, Observer } from "./observation.ts";

/** Moments at which a trap can be sprung. */
export const TRAP_MOMENTS = [
  "entries taken",
  "promise sent",
  "message sent",
  "message received",
  "applied",
  "members applied",
  "shown",
] as const;

/** One that is for others to lay in wait for: a node asks whether it would be elected. */
export type TrapMoment = typeof TRAP_MOMENTS[number] | "election prepared";

interface Trap {
  readonly moment: TrapMoment;
  /** Moments that still pass before it springs. */
  rest: number;
  readonly spring: () => void;
}

/** Messages that promise what is on disk. */
const PROMISES = ["appendResponse", "voteResponse"];

export class Traps implements Observer {
  readonly #clock: Clock;
  /** One at a time for each address. */
  readonly #armed = new Map<string, Trap>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Calls `spring` once the moment has come at the node for the `count`th time,
   * with everything done that follows from it at once, and nothing that has to
   * wait for a disk or the network.
   */
  arm(address: string, moment: TrapMoment, count: number, spring: () => void): void {
    this.#armed.set(address, { moment, rest: count, spring });
  }

  disarm(): void {
    this.#armed.clear();
  }

  roundTaken(node: NodeView, { entries }: { entries: readonly unknown[] }): void {
    if (entries.length > 0) this.#pass(node, "entries taken");
  }

  messageLeft(node: NodeView, { type }: { type: string }): void {
    if (type === "preVote") this.#pass(node, "election prepared");
    this.#pass(node, PROMISES.includes(type) ? "promise sent" : "message sent");
  }

  messageDelivered(node: NodeView): void {
    this.#pass(node, "message received");
  }

  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    this.#pass(node, "applied");
    if (applied.some(({ entry }) => entry.kind === "confChange")) {
      this.#pass(node, "members applied");
    }
  }

  appliedTo(node: NodeView): void {
    this.#pass(node, "shown");
  }

  #pass({ address }: NodeView, moment: TrapMoment): void {
    const trap = this.#armed.get(address);
    if (trap?.moment !== moment || --trap.rest > 0) return;
    this.#armed.delete(address);
    this.#clock.setTimer(trap.spring, 0);
  }
}
