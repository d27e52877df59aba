/**
 * Slows the writers of a shard down that is leaving, if they are faster than
 * the copy: else its last changes would be many, and the hand-over long. Held
 * by the leader, forgotten with it, and asked for anew with every chunk.
 */
import { WriteBatch } from "../proto/gen/shardkv.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { ShardId } from "../shardctrler/config.ts";
import { BRAKE_MS_MAX } from "./limits.ts";
import { type Ownership, shardOfKey } from "./ownership.ts";

/** Milliseconds for which it holds: a copy that goes on asks again long before. */
const BRAKE_TTL_MS = 1_000;

interface Brake {
  readonly ms: number;
  readonly untilMs: number;
  /** Aborted when what it holds may go. */
  readonly lifted: AbortController;
  /** What it holds; each ends when its time is over or the brake is lifted. */
  readonly held: Set<Promise<void>>;
}

export class WriteBrake {
  readonly #clock: Clock;
  readonly #brakes = new Map<ShardId, Brake>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Holds each write to the shard for so many milliseconds, for a second from now. */
  apply(shard: ShardId, ms: number): void {
    const untilMs = this.#clock.now() + BRAKE_TTL_MS;
    const { lifted, held } = this.#brakes.get(shard) ??
      { lifted: new AbortController(), held: new Set() };
    this.#brakes.set(shard, { ms: Math.min(ms, BRAKE_MS_MAX), untilMs, lifted, held });
  }

  /**
   * Lets go of the writes that are held. What is proposed once it resolves
   * comes behind them: a freeze would else refuse what has waited for longest.
   */
  async lift(shard: ShardId): Promise<void> {
    const brake = this.#brakes.get(shard);
    if (brake === undefined) return;
    this.#brakes.delete(shard);
    brake.lifted.abort();
    await Promise.all(brake.held);
  }

  /**
   * Waits as long as a batch of writes is to be held; to be proposed in the same turn.
   *
   * @param writes An encoded WriteBatch
   */
  async hold(writes: Buffer, ownership: Ownership): Promise<void> {
    if (this.#brakes.size === 0) return;
    const now = this.#clock.now();
    for (const [shard, { untilMs }] of this.#brakes) {
      if (untilMs < now) this.#brakes.delete(shard);
    }
    if (this.#brakes.size === 0) return;
    let strictest: Brake | undefined;
    for (const { key } of WriteBatch.decode(writes).commands) {
      const brake = this.#brakes.get(shardOfKey(ownership, key) ?? -1);
      if (brake !== undefined && brake.ms > (strictest?.ms ?? 0)) strictest = brake;
    }
    if (strictest === undefined) return;
    const { held, lifted, ms } = strictest;
    // It ends early by being lifted, and that is no error.
    const waiting = sleep(this.#clock, ms, lifted.signal).catch(() => {});
    held.add(waiting);
    await waiting;
    held.delete(waiting);
  }
}
