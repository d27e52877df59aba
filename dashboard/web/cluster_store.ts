/** The cluster as the page knows it: a snapshot, kept up to date by deltas. */
import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type {
  ClusterState,
  GroupView,
  MoveView,
  NodeView,
  Overview,
  ShardView,
  StateDelta,
} from "../api.ts";
import { KeyedSignals } from "./keyed_signals.ts";

/** Twice what the server keeps, so that a server that forgets to name the gone cannot fill the page. */
export const MOVES_MAX = 400;

export const nodeKey = (node: Pick<NodeView, "gid" | "id">) => `${node.gid}-${node.id}`;
export const moveKey = (move: MoveView) => `${move.configNum}-${move.shardId}`;

/** Under way first, then the latest. */
export function compareMoves(a: MoveView, b: MoveView): number {
  if ((a.finishedAt === null) !== (b.finishedAt === null)) return a.finishedAt === null ? -1 : 1;
  const latest = (b.finishedAt ?? b.startedAt) - (a.finishedAt ?? a.startedAt);
  return latest || b.configNum - a.configNum || a.shardId - b.shardId;
}

export class ClusterStore {
  readonly #overview = signal<Overview | null>(null);
  readonly #controllerLeaderId = signal<number | null>(null);
  readonly #updatedAt = signal(0);
  readonly #intervalMs = signal(1000);

  readonly nodes = new KeyedSignals<string, NodeView>({
    keyOf: nodeKey,
    compare: (a, b) => a.gid - b.gid || a.id - b.id,
  });
  readonly groups = new KeyedSignals<number, GroupView>({
    keyOf: (group) => group.gid,
    compare: (a, b) => a.gid - b.gid,
  });
  readonly shards = new KeyedSignals<number, ShardView>({
    keyOf: (shard) => shard.shardId,
    compare: (a, b) => a.shardId - b.shardId,
  });
  readonly moves = new KeyedSignals<string, MoveView>({
    keyOf: moveKey,
    compare: compareMoves,
  });

  /** Null until the first snapshot. */
  get overview(): ReadonlySignal<Overview | null> {
    return this.#overview;
  }

  get controllerLeaderId(): ReadonlySignal<number | null> {
    return this.#controllerLeaderId;
  }

  /** By the server's clock; changes with every event. */
  get updatedAt(): ReadonlySignal<number> {
    return this.#updatedAt;
  }

  get intervalMs(): ReadonlySignal<number> {
    return this.#intervalMs;
  }

  /** Takes a snapshot in place of everything. */
  load(state: ClusterState): void {
    batch(() => {
      this.#overview.value = state.overview;
      this.#controllerLeaderId.value = state.controllerLeaderId;
      this.nodes.replace(state.nodes);
      this.groups.replace(state.groups);
      this.shards.replace(state.shards);
      this.moves.replace(state.moves);
      this.#updatedAt.value = state.updatedAt;
      this.#intervalMs.value = state.intervalMs;
    });
  }

  /** Takes what has changed. What a delta does not name stays as it is. */
  apply(delta: StateDelta): void {
    batch(() => {
      if (delta.overview !== undefined) this.#overview.value = delta.overview;
      if (delta.controllerLeaderId !== undefined) {
        this.#controllerLeaderId.value = delta.controllerLeaderId;
      }
      this.nodes.remove(delta.gone?.nodes ?? []);
      this.groups.remove(delta.gone?.groups ?? []);
      this.moves.remove(delta.gone?.moves ?? []);
      this.nodes.put(delta.nodes ?? []);
      this.groups.put(delta.groups ?? []);
      this.shards.put(delta.shards ?? []);
      this.moves.put(delta.moves ?? []);
      this.#boundMoves();
      this.#updatedAt.value = delta.updatedAt;
    });
  }

  #boundMoves(): void {
    if (this.moves.keys.peek().length <= MOVES_MAX) return;
    const moves = this.moves.keys.peek().flatMap((key) => this.moves.get(key)?.peek() ?? []);
    this.moves.remove(moves.sort(compareMoves).slice(MOVES_MAX).map(moveKey));
  }
}
