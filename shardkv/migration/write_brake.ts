/**
 * Slows down those who write to a shard that is leaving, if they are faster than
 * the copy: otherwise many changes would be left for the hand-over, which would
 * take long. Only the leader knows of it, and need not store it: the new owner asks
 * for it anew with each chunk.
 */
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { ShardId } from "../../shardctrler/configuration/config.ts";
import { BRAKE_MS_MAX } from "../limits.ts";

/** Milliseconds for which it holds: a copy that goes on asks again long before. */
const BRAKE_TTL_MS = 1_000;

interface Brake {
  readonly ms: number;
  readonly untilMs: number;
  /** Aborted when what it holds may go. */
  readonly lifted: AbortController;
  /** Each ends when what it held has been proposed. */
  readonly held: Set<Promise<unknown>>;
}

export class WriteBrake {
  readonly #clock: Clock;
  readonly #brakes = new Map<ShardId, Brake>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether writes to any shard are held. */
  get isOn(): boolean {
    if (this.#brakes.size === 0) return false;
    this.#forgetExpired();
    return this.#brakes.size > 0;
  }

  /** Whether writes to the shard are held. */
  isOnFor(shard: ShardId): boolean {
    const brake = this.#brakes.get(shard);
    return brake !== undefined && brake.untilMs >= this.#clock.now();
  }

  /** Holds each write to the shard for so many milliseconds, for a second from now. */
  apply(shard: ShardId, ms: number): void {
    const untilMs = this.#clock.now() + BRAKE_TTL_MS;
    const { lifted, held } = this.#brakes.get(shard) ??
      { lifted: new AbortController(), held: new Set() };
    this.#brakes.set(shard, { ms: Math.min(ms, BRAKE_MS_MAX), untilMs, lifted, held });
  }

  /**
   * Lets go of the writes that are held, and resolves once they have been proposed.
   * If the freeze were proposed before them, it would refuse just those that have
   * waited longest.
   */
  async lift(shard: ShardId): Promise<void> {
    const brake = this.#brakes.get(shard);
    if (brake === undefined) return;
    this.#brakes.delete(shard);
    brake.lifted.abort();
    await Promise.allSettled(brake.held);
  }

  /**
   * Proposes writes once they have waited for as long as writes to their shards
   * are to be held.
   *
   * @throws As `propose` does
   */
  async hold<Reply>(shards: Iterable<ShardId>, propose: () => Promise<Reply>): Promise<Reply> {
    const brake = this.#strictest(shards);
    if (brake === undefined) return await propose();
    const { held, lifted, ms } = brake;
    // It ends early by being lifted, and that is no error.
    const waiting = sleep(this.#clock, ms, lifted.signal).catch(() => {});
    const proposing = waiting.then(() => ({ reply: propose() }));
    held.add(proposing);
    const { reply } = await proposing.finally(() => held.delete(proposing));
    return await reply;
  }

  #strictest(shards: Iterable<ShardId>): Brake | undefined {
    this.#forgetExpired();
    let strictest: Brake | undefined;
    for (const shard of shards) {
      const brake = this.#brakes.get(shard);
      if (brake !== undefined && brake.ms > (strictest?.ms ?? 0)) strictest = brake;
    }
    return strictest;
  }

  /**
   * Forgets brakes whose time is up: the group that asked for them may be gone, and
   * the shard too.
   */
  #forgetExpired(): void {
    const now = this.#clock.now();
    for (const [shard, { untilMs }] of this.#brakes) {
      if (untilMs < now) this.#brakes.delete(shard);
    }
  }
}
