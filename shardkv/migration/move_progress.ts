/** How far the shards have got that are on their way into this group, as its leader sees it. */
import type { MoveInfo, PullShardResponse } from "../../proto/gen/shardkv.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ShardId } from "../../shardctrler/configuration/config.ts";
import { isChangeCursor } from "../machine/machine_keys.ts";
import type { ShardMachine } from "../machine/machine.ts";
import { type Ownership, sourceOf } from "../machine/ownership.ts";

/**
 * - Waiting: the source has answered nothing yet, or other shards come first
 * - Copying: its records come, in key order
 * - CatchingUp: what was written meanwhile comes
 * - HandingOver: the source stops to serve it, and the last changes come
 * - Cleaning: it is served here, and the source forgets it
 */
export type MovePhase = "Waiting" | "Copying" | "CatchingUp" | "HandingOver" | "Cleaning";

/** What is remembered of one move. */
interface Progress {
  readonly configNum: number;
  readonly startedMs: number;
  /** What was here already when this leader took it up. */
  readonly bytesBefore: number;
  phase: MovePhase;
  keysTotal: number;
  bytesTotal: number;
}

export interface MoveProgressOptions {
  readonly machine: Pick<ShardMachine, "ownership" | "figuresOf">;
  readonly clock: Clock;
}

export class MoveProgress {
  readonly #options: MoveProgressOptions;
  readonly #moves = new Map<ShardId, Progress>();

  constructor(options: MoveProgressOptions) {
    this.#options = options;
  }

  /** The source has answered. */
  noteChunk(shard: ShardId, { cursor, keysTotal, bytesTotal }: PullShardResponse): void {
    const move = this.#moveOf(shard);
    move.keysTotal = keysTotal;
    move.bytesTotal = bytesTotal;
    if (move.phase === "HandingOver") return;
    move.phase = isChangeCursor(cursor) ? "CatchingUp" : "Copying";
  }

  /** The source was asked to serve the shard no longer. */
  noteHandOver(shard: ShardId): void {
    this.#moveOf(shard).phase = "HandingOver";
  }

  /** All shards on their way here, by number; forgets those that are not any more. */
  list(): MoveInfo[] {
    const { machine: { ownership }, clock } = this.#options;
    const infos: MoveInfo[] = [];
    for (const { shard, status } of [...ownership.shards.values()].sort(byShard)) {
      if (status !== "Pulling" && status !== "GCing") continue;
      infos.push(this.#infoOf(ownership, shard, status === "GCing", clock.now()));
    }
    const current = new Set(infos.map(({ shard }) => shard));
    for (const shard of this.#moves.keys()) if (!current.has(shard)) this.#moves.delete(shard);
    return infos;
  }

  #infoOf(ownership: Ownership, shard: ShardId, isHere: boolean, nowMs: number): MoveInfo {
    const { keys = 0, bytes = 0 } = this.#options.machine.figuresOf(shard) ?? {};
    const move = this.#moveOf(shard);
    const elapsedMs = Math.round(nowMs - move.startedMs);
    const bytesCame = Math.max(0, bytes - move.bytesBefore);
    return {
      shard,
      configNum: ownership.config.num,
      fromGid: sourceOf(ownership, shard).gid,
      phase: isHere ? "Cleaning" : move.phase,
      keysDone: keys,
      bytesDone: bytes,
      keysTotal: move.keysTotal,
      bytesTotal: move.bytesTotal,
      elapsedMs,
      bytesPerSecond: elapsedMs === 0 ? 0 : Math.round(bytesCame * 1_000 / elapsedMs),
    };
  }

  #moveOf(shard: ShardId): Progress {
    const { machine, clock } = this.#options;
    const configNum = machine.ownership.config.num;
    const known = this.#moves.get(shard);
    if (known?.configNum === configNum) return known;
    const move: Progress = {
      configNum,
      startedMs: clock.now(),
      bytesBefore: machine.figuresOf(shard)?.bytes ?? 0,
      phase: "Waiting",
      keysTotal: 0,
      bytesTotal: 0,
    };
    this.#moves.set(shard, move);
    return move;
  }
}

function byShard(a: { shard: ShardId }, b: { shard: ShardId }): number {
  return a.shard - b.shard;
}
