/** How groups step from one configuration to the next: item 22. */
import type { AppliedEntry, NodeView, Observer } from "../observation.ts";
import { stepsOf } from "./group_commands.ts";
import { check } from "./items.ts";

const IN_BETWEEN = ["Pulling", "Leaving", "BePulling", "GCing"];

export class ConfigStepChecker implements Observer {
  /** The configuration each life is in, as of its latest batch. */
  readonly #nums = new WeakMap<NodeView, number>();

  nodeStarted(node: NodeView): void {
    this.#look(node);
  }

  /** A snapshot may lead past many configurations. */
  appliedTo(node: NodeView): void {
    this.#look(node);
  }

  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    if (node.machine.kind !== "group") return;
    let mayHaveMoved = false;
    for (const { entry, replies } of applied) {
      for (const [i, step] of stepsOf(entry).entries()) {
        if (step.kind === "config" && isDone(replies[i])) {
          this.#checkStep(node, step.num);
          if (!mayHaveMoved) checkOwesNothing(node, step.num);
        }
        // What the machine shows is what was before the batch.
        if (step.kind !== "writes") mayHaveMoved = true;
      }
    }
  }

  #look(node: NodeView): void {
    if (node.machine.kind !== "group") return;
    this.#nums.set(node, node.machine.machine.ownership.config.num);
  }

  #checkStep(node: NodeView, num: number): void {
    const before = this.#nums.get(node) ?? 0;
    check(
      num === before + 1,
      "configSteps",
      () => `${node.address} went from configuration ${before} to ${num}`,
    );
    this.#nums.set(node, num);
  }
}

function checkOwesNothing(node: NodeView, num: number): void {
  if (node.machine.kind !== "group") return;
  for (const { shard, status } of node.machine.machine.ownership.shards.values()) {
    check(
      !IN_BETWEEN.includes(status),
      "configSteps",
      () => `${node.address} went to configuration ${num} while shard ${shard} was ${status}`,
    );
  }
}

function isDone(reply: unknown): boolean {
  return (reply as { readonly outcome?: string }).outcome === "done";
}
