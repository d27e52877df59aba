/** Shards on their way from group to group: the moving part of item 23, and item 24. */
import type { LogIndex } from "../../../raft/types.ts";
import { type Gid, NO_GROUP, type ShardId } from "../../../shardctrler/configuration/config.ts";
import type { AppliedEntry, NodeView, Observer } from "../observation.ts";
import { type Frontier, type GroupOwnership, isOwnStatus } from "./frontier.ts";
import { stepsOf } from "./group_commands.ts";
import { check } from "./items.ts";
import type { Ledger } from "./ledger.ts";
import { checkSize } from "./shard_size.ts";
import { type StayRecords, stayRecords } from "./stay_records.ts";

export class HandoverChecker implements Observer {
  readonly #ledger: Ledger;
  readonly #frontier: Frontier;
  /** Moves that were compared: configuration, shard. */
  readonly #compared = new Set<string>();
  /** Shards that became complete in the batch whose effects the engine does not show yet. */
  readonly #complete = new WeakMap<NodeView, { index: LogIndex; shards: ShardId[] }>();

  constructor(ledger: Ledger, frontier: Frontier) {
    this.#ledger = ledger;
    this.#frontier = frontier;
  }

  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    if (node.machine.kind !== "group") return;
    let complete: ShardId[] = [];
    for (const { entry, replies } of applied) {
      for (const [i, step] of stepsOf(entry).entries()) {
        const isDone = (replies[i] as { readonly outcome?: string }).outcome === "done";
        if (step.kind === "insert" && step.done && isDone) complete.push(step.shard);
        // The shard may have been changed since it came.
        else if (step.kind === "writes") complete = [];
        if (step.kind === "drop" && isDone) this.#checkDrop(node, step.configNum, step.shard);
      }
    }
    const index = applied.at(-1)?.entry.index ?? 0;
    this.#complete.set(node, { index, shards: complete });
  }

  appliedTo(node: NodeView, index: LogIndex): void {
    const complete = this.#complete.get(node);
    // An earlier batch may have been on its way to the engine.
    if (complete === undefined || index < complete.index) return;
    this.#complete.delete(node);
    if (node.machine.kind !== "group") return;
    for (const shard of complete.shards) this.#compare(node, node.machine.machine.ownership, shard);
  }

  /** What came is what its last owner keeps until it is told. */
  #compare(node: NodeView, ownership: GroupOwnership, shard: ShardId): void {
    const { config: { num }, previous } = ownership;
    const name = `${num} ${shard}`;
    const held = ownership.shards.get(shard);
    if (held === undefined || this.#compared.has(name)) return;
    const source = previous.shards[shard] || (previous.lastOwners.get(shard) ?? NO_GROUP);
    const kept = this.#keptBy(source, num, shard);
    if (kept === undefined) return;
    this.#compared.add(name);
    const came = stayRecords(node.content(), shard, held.incarnation);
    compareValues(node, shard, kept, came);
    checkSize(node, shard, came);
    for (const [client, record] of kept.sessions) {
      check(
        came.sessions.get(client)?.equals(record) === true,
        "sessionsMove",
        () =>
          `${node.address} serves shard ${shard} in configuration ${num} and does not know what ` +
          `group ${source} answered to client ${client}`,
      );
    }
  }

  /** The shard's records at a replica of the source that still keeps them unchanged. */
  #keptBy(source: Gid, num: number, shard: ShardId): StayRecords | undefined {
    for (const { view, stopped } of this.#ledger.of(source).members.values()) {
      if (stopped !== undefined || view.machine.kind !== "group") continue;
      const { config, shards } = view.machine.machine.ownership;
      const held = shards.get(shard);
      if (config.num !== num || held?.status !== "BePulling") continue;
      return stayRecords(view.content(), shard, held.incarnation);
    }
    return undefined;
  }

  #checkDrop(node: NodeView, num: number, shard: ShardId): void {
    if (node.machine.kind !== "group") return;
    const { config } = node.machine.machine.ownership;
    const gainer = config.num === num ? config.shards[shard] : undefined;
    const there = gainer === undefined ? undefined : this.#frontier.of(gainer);
    if (there === undefined || there.config.num > num) return;
    const status = there.shards.get(shard)?.status;
    check(
      there.config.num === num && isOwnStatus(status),
      "census",
      () =>
        `${node.address} gave up shard ${shard} of configuration ${num}: in group ${gainer}, ` +
        `which is in ${there.config.num}, it is ${status ?? "missing"}`,
    );
  }
}

function compareValues(
  node: NodeView,
  shard: ShardId,
  kept: StayRecords,
  came: StayRecords,
): void {
  for (const key of new Set([...kept.values.keys(), ...came.values.keys()])) {
    const before = kept.values.get(key);
    const after = came.values.get(key);
    check(
      before !== undefined && after !== undefined && before.equals(after),
      "census",
      () =>
        `Key '${key}' of shard ${shard} came to ${node.address} as ${
          after?.toString() ?? "nothing"
        }` +
        `: its last owner has ${before?.toString() ?? "nothing"}`,
    );
  }
}
