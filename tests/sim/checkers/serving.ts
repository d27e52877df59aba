/** Who serves which shard: item 21. */
import { type Result, ResultCode } from "../../../proto/gen/shardkv.ts";
import type { Gid, ShardId } from "../../../shardctrler/configuration/config.ts";
import { shardOf } from "../../../shardctrler/configuration/shard_hash.ts";
import type { AppliedEntry, NodeView, Observer } from "../observation.ts";
import { type Frontier, type GroupOwnership, isOwnStatus, isServedStatus } from "./frontier.ts";
import { type GroupStep, stepsOf } from "./group_commands.ts";
import { check } from "./items.ts";

const REFUSALS: readonly ResultCode[] = [
  ResultCode.RESULT_WRONG_GROUP,
  ResultCode.RESULT_NOT_READY,
];

export class ServingChecker implements Observer {
  readonly #frontier: Frontier;
  /** By configuration and shard. */
  readonly #servers = new Map<string, Gid>();
  /** What each life showed last: a state never changes, a later one is another object. */
  readonly #shown = new WeakMap<NodeView, GroupOwnership>();

  constructor(frontier: Frontier) {
    this.#frontier = frontier;
  }

  nodeStarted(node: NodeView): void {
    this.#look(node);
  }

  appliedTo(node: NodeView): void {
    this.#look(node);
  }

  /** The engine does not show the batch yet, so what the machine shows is what was before it. */
  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    if (node.machine.kind !== "group") return;
    const { shards, config } = node.machine.machine.ownership;
    for (const { entry, replies } of applied) {
      for (const [i, step] of stepsOf(entry).entries()) {
        // From here on shards may be in another state than before the batch.
        if (step.kind !== "writes") return;
        this.#checkAnswers(node, step, (replies[i] as { results: Result[] }).results, (key) => {
          const count = config.shards.length;
          return count === 0 ? undefined : shards.get(shardOf(key, count))?.status;
        });
      }
    }
  }

  #checkAnswers(
    node: NodeView,
    { writes }: Extract<GroupStep, { kind: "writes" }>,
    results: readonly Result[],
    statusOf: (key: Buffer) => string | undefined,
  ): void {
    for (const [i, { key }] of writes.entries()) {
      const status = statusOf(key);
      const code = results[i]?.code;
      check(
        isServedStatus(status) || (code !== undefined && REFUSALS.includes(code)),
        "oneServer",
        () =>
          `${node.address} answered ${code === undefined ? "nothing" : ResultCode[code]} to a ` +
          `write of '${key}', whose shard is ${status ?? "not here"}`,
      );
    }
  }

  #look(node: NodeView): void {
    if (node.machine.kind !== "group") return;
    const { ownership } = node.machine.machine;
    if (this.#shown.get(node) === ownership) return;
    this.#shown.set(node, ownership);
    const { config: { num }, shards } = ownership;
    for (const { shard, status } of shards.values()) {
      // Who is about to lose it serves it until the new owner does: that is for the moment to show.
      if (!isOwnStatus(status)) continue;
      this.#noteServer(node, num, shard);
    }
    this.#checkNow(node);
  }

  #noteServer(node: NodeView, num: number, shard: ShardId): void {
    const name = `${num} ${shard}`;
    const other = this.#servers.get(name) ?? node.gid;
    check(
      other === node.gid,
      "oneServer",
      () =>
        `In configuration ${num} shard ${shard} is served by ${node.address} and group ${other}`,
    );
    this.#servers.set(name, node.gid);
  }

  /** At no time two groups have decided to serve a shard, whatever configuration they are in. */
  #checkNow(node: NodeView): void {
    const own = this.#frontier.of(node.gid);
    for (const gid of this.#frontier.gids) {
      if (gid === node.gid) continue;
      for (const { shard, status } of this.#frontier.of(gid)?.shards.values() ?? []) {
        const ownStatus = own?.shards.get(shard)?.status;
        check(
          !isServedStatus(status) || !isServedStatus(ownStatus),
          "oneServer",
          () => `Shard ${shard} is ${ownStatus} in group ${node.gid} and ${status} in group ${gid}`,
        );
      }
    }
  }
}
