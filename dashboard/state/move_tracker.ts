/**
 * Shards on their way, from the configuration that sends them to their arrival.
 * What leaders tell of their moves counts most; where they tell nothing, the
 * states of the shards say how far it is.
 */
import type { MoveInfo } from "../../proto/gen/shardkv.ts";
import {
  type Config,
  type Gid,
  holderOf,
  NO_GROUP,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import type { Instant, MovePhase, MoveView } from "../api.ts";
import type { GroupReport } from "./group_report.ts";
import { round } from "./metrics_interval.ts";
import type { StalledMoves } from "./observation.ts";

/** Moves that are shown, those that are done included. */
export const MOVES_MAX = 200;
/** Milliseconds without a step after which a move counts as stalled. */
export const STALL_MS = 30_000;

const PHASES: ReadonlySet<string> = new Set<MovePhase>([
  "Waiting",
  "Copying",
  "CatchingUp",
  "HandingOver",
  "Cleaning",
]);

interface Tracked {
  view: MoveView;
  /** When its phase or its counts changed last. */
  steppedAt: Instant;
}

/** Where a move stands, as far as somebody has told. */
type Progress = Pick<
  MoveView,
  "phase" | "keysDone" | "bytesDone" | "keysTotal" | "bytesTotal" | "bytesPerSecond"
>;

const UNTOUCHED: Progress = {
  phase: "Waiting",
  keysDone: 0,
  bytesDone: 0,
  keysTotal: null,
  bytesTotal: null,
  bytesPerSecond: 0,
};

export class MoveTracker {
  /** Under way, by key: at most one for each shard of each configuration that is under way. */
  readonly #active = new Map<string, Tracked>();
  /** The latest first. */
  #done: MoveView[] = [];

  /** Shards change hands with this configuration. */
  onConfig(previous: Config, next: Config, now: Instant): void {
    for (const [shardId, toGid] of next.shards.entries()) {
      const fromGid = holderOf(previous, shardId);
      // A shard that nobody held has no data to move, and one that nobody gets stays.
      if (fromGid === toGid || fromGid === NO_GROUP || toGid === NO_GROUP) continue;
      this.#track({ configNum: next.num, shardId, fromGid, toGid }, now);
    }
  }

  /**
   * Takes in what the groups say now.
   *
   * @param gids Groups that are there, also those that say nothing
   */
  observe(
    reports: ReadonlyMap<Gid, GroupReport>,
    gids: ReadonlySet<Gid>,
    now: Instant,
  ): void {
    const told = new Set<string>();
    for (const report of reports.values()) {
      if (!report.isLeader) continue;
      const shards = new Set(report.moves.map(({ shard }) => shard));
      for (const move of report.moves) told.add(this.#takeMove(report.gid, move, now));
      for (const { shard, status } of report.shards.values()) {
        const isComing = status === "Pulling" || status === "GCing";
        if (isComing && !shards.has(shard)) told.add(this.#derive(report, shard, reports, now));
      }
    }
    for (const [key, { view }] of this.#active) {
      // A group that is gone for good has handed its shards on.
      const isOver = !gids.has(view.toGid) || hasArrived(view, reports.get(view.toGid));
      if (!told.has(key) && isOver) this.#finish(key, now);
    }
  }

  /** Under way first, in the order in which they began; then the latest that are done. */
  get views(): MoveView[] {
    const active = Array.from(this.#active.values(), ({ view }) => view);
    const byPhase = (a: MoveView, b: MoveView) =>
      Number(a.phase === "Waiting") - Number(b.phase === "Waiting") ||
      a.startedAt - b.startedAt || a.configNum - b.configNum || a.shardId - b.shardId;
    return [...active.sort(byPhase), ...this.#done].slice(0, MOVES_MAX);
  }

  /** By the group that takes them in. */
  stalled(now: Instant): StalledMoves[] {
    // A shard that waits for its turn waits for another one that moves, or has stalled.
    const stalled = this.#active.values().filter(({ view, steppedAt }) =>
      view.phase !== "Waiting" && now - steppedAt >= STALL_MS
    );
    return Array.from(Map.groupBy(stalled, ({ view }) => view.toGid), ([gid, moves]) => ({
      gid,
      shardId: Math.min(...moves.map(({ view }) => view.shardId)),
      count: moves.length,
      since: Math.min(...moves.map(({ steppedAt }) => steppedAt)),
    }));
  }

  #track(
    move: Pick<MoveView, "configNum" | "shardId" | "fromGid" | "toGid">,
    startedAt: Instant,
  ): Tracked {
    const key = keyOf(move);
    const present = this.#active.get(key);
    if (present !== undefined) return present;
    const view = { ...move, ...UNTOUCHED, etaMs: null, startedAt, finishedAt: null };
    const tracked = { view, steppedAt: startedAt };
    this.#active.set(key, tracked);
    return tracked;
  }

  #takeMove(toGid: Gid, move: MoveInfo, now: Instant): string {
    const { configNum, shard: shardId, fromGid, elapsedMs } = move;
    const tracked = this.#track({ configNum, shardId, fromGid, toGid }, now - elapsedMs);
    this.#step(tracked, {
      phase: isPhase(move.phase) ? move.phase : tracked.view.phase,
      keysDone: move.keysDone,
      bytesDone: move.bytesDone,
      keysTotal: move.keysTotal > 0 ? move.keysTotal : null,
      bytesTotal: move.bytesTotal > 0 ? move.bytesTotal : null,
      bytesPerSecond: move.bytesPerSecond,
    }, now);
    return keyOf(tracked.view);
  }

  /** A leader that tells nothing of a move: the state of the shard in both groups stands in. */
  #derive(
    gainer: GroupReport,
    shardId: ShardId,
    reports: ReadonlyMap<Gid, GroupReport>,
    now: Instant,
  ): string {
    const { gid: toGid, configNum } = gainer;
    const source = reports.values().find(({ gid, shards }) =>
      gid !== toGid && shards.get(shardId)?.status === "BePulling"
    );
    const tracked = this.#latest(shardId, toGid, configNum) ??
      this.#track({ configNum, shardId, fromGid: source?.gid ?? NO_GROUP, toGid }, now);
    const here = gainer.shards.get(shardId);
    const whole = source?.shards.get(shardId);
    const { view, steppedAt } = tracked;
    const { keys = 0, bytes = 0, status } = here ?? {};
    const isCopied = status === "GCing";
    this.#step(tracked, {
      phase: isCopied ? "Cleaning" : "HandingOver",
      keysDone: keys,
      bytesDone: bytes,
      keysTotal: whole?.keys ?? view.keysTotal,
      bytesTotal: whole?.bytes ?? view.bytesTotal,
      bytesPerSecond: isCopied ? 0 : rateOf(view, bytes, now - steppedAt),
    }, now);
    return keyOf(tracked.view);
  }

  /** The move of a shard to a group in the latest configuration that the group can be in. */
  #latest(shardId: ShardId, toGid: Gid, configNum: number): Tracked | undefined {
    return this.#active.values()
      .filter(({ view }) =>
        view.shardId === shardId && view.toGid === toGid && view.configNum <= configNum
      )
      .reduce<Tracked | undefined>(
        (latest, one) =>
          latest === undefined || one.view.configNum > latest.view.configNum ? one : latest,
        undefined,
      );
  }

  #step(tracked: Tracked, progress: Progress, now: Instant): void {
    const { view } = tracked;
    const hasMoved = view.phase !== progress.phase || view.keysDone !== progress.keysDone ||
      view.bytesDone !== progress.bytesDone;
    if (hasMoved) tracked.steppedAt = now;
    tracked.view = { ...view, ...progress, etaMs: etaOf(progress) };
  }

  #finish(key: string, now: Instant): void {
    const view = this.#active.get(key)?.view;
    if (view === undefined) return;
    this.#active.delete(key);
    const done: MoveView = {
      ...view,
      phase: "Done",
      keysDone: view.keysTotal ?? view.keysDone,
      bytesDone: view.bytesTotal ?? view.bytesDone,
      bytesPerSecond: 0,
      etaMs: null,
      finishedAt: now,
    };
    this.#done = [done, ...this.#done].slice(0, MOVES_MAX);
  }
}

function keyOf({ configNum, shardId }: Pick<MoveView, "configNum" | "shardId">): string {
  return `${configNum}-${shardId}`;
}

/** A group goes on to the next configuration only when everything has arrived that this one gives it. */
function hasArrived(
  { configNum, shardId }: MoveView,
  gainer: GroupReport | undefined,
): boolean {
  if (gainer?.isLeader !== true) return false;
  if (gainer.configNum !== configNum) return gainer.configNum > configNum;
  return gainer.shards.get(shardId)?.status === "Serving";
}

/** From how much has come since the last step; as before while nothing comes. */
function rateOf({ bytesDone, bytesPerSecond }: MoveView, bytes: number, ms: number): number {
  return bytes > bytesDone && ms > 0 ? round((bytes - bytesDone) / (ms / 1_000)) : bytesPerSecond;
}

function isPhase(text: string): text is MovePhase {
  return PHASES.has(text);
}

function etaOf({ bytesDone, bytesTotal, bytesPerSecond }: Progress): number | null {
  if (bytesTotal === null || bytesPerSecond <= 0) return null;
  return Math.round((Math.max(0, bytesTotal - bytesDone) / bytesPerSecond) * 1_000);
}
