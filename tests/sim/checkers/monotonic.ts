/** What never falls, within a life and from life to life: item 6. */
import type { NodeView, Observer, StopKind } from "../observation.ts";
import { check } from "./items.ts";
import { durableFacts, readFacts, type StoredFacts } from "./stored_facts.ts";
import type { Turns } from "./turns.ts";

export class MonotonicChecker implements Observer {
  readonly #turns: Turns;
  /** By disk: what was safe at the end of the last life. */
  readonly #left = new Map<string, StoredFacts>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  nodeStarted(node: NodeView): void {
    const left = this.#left.get(diskOf(node));
    if (left === undefined) return;
    const { term, commit, applied } = node.status();
    check(
      term >= left.term && applied >= left.applied.index &&
        commit >= Math.max(left.applied.index, left.start.index),
      "monotonic",
      () =>
        `${node.address} starts in term ${term}, committed ${commit}, applied ${applied}: ` +
        `its disk had term ${left.term}, start ${left.start.index}, applied ${left.applied.index}`,
    );
  }

  nodeStopped(node: NodeView, how: StopKind): void {
    if (how === "wipe") return;
    // An orderly end leaves everything, a power cut at least what was synced.
    const facts = how === "stop" ? readFacts(node.content()) : durableFacts(node.durable());
    this.#left.set(diskOf(node), facts);
  }

  turnEnded(node: NodeView): void {
    const { before, now } = this.#turns.of(node);
    for (const name of ["term", "commit", "applied"] as const) {
      check(
        now[name] >= before[name],
        "monotonic",
        () => `The ${name} of ${node.address} fell from ${before[name]} to ${now[name]}`,
      );
    }
  }
}

function diskOf({ address, disk }: NodeView): string {
  return `${address} ${disk}`;
}
