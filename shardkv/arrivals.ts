/**
 * Lets clients wait for a shard whose last records are on their way here.
 * Nobody serves it meanwhile: clients that were refused would go to and fro
 * between its two groups, with all they want to write, until it has arrived.
 */
import type { Clock, Timer } from "../runtime/clock.ts";
import type { ShardId } from "../shardctrler/config.ts";
import { ARRIVAL_MS_MAX } from "./limits.ts";

interface Arrival {
  readonly writes: PromiseWithResolvers<void>;
  readonly reads: PromiseWithResolvers<void>;
  readonly timer: Timer;
}

export class Arrivals {
  readonly #clock: Clock;
  readonly #expected = new Map<ShardId, Arrival>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether any shard is expected. */
  get areExpected(): boolean {
    return this.#expected.size > 0;
  }

  /** Whether clients wait for the shard here. */
  isExpected(shard: ShardId): boolean {
    return this.#expected.has(shard);
  }

  /** Its last owner is being asked to serve it no longer; nobody waits for longer than {@linkcode ARRIVAL_MS_MAX}. */
  expect(shard: ShardId): void {
    if (this.#expected.has(shard)) return;
    this.#expected.set(shard, {
      writes: Promise.withResolvers(),
      reads: Promise.withResolvers(),
      timer: this.#clock.setTimer(() => this.end(shard), ARRIVAL_MS_MAX),
    });
  }

  /** What makes it this group's stands in the log: writes may follow it there. */
  proposed(shard: ShardId): void {
    this.#expected.get(shard)?.writes.resolve();
  }

  /** It has arrived, or is not to be waited for. */
  end(shard: ShardId): void {
    const arrival = this.#expected.get(shard);
    if (arrival === undefined) return;
    this.#expected.delete(shard);
    arrival.timer.cancel();
    arrival.writes.resolve();
    arrival.reads.resolve();
  }

  /**
   * Waits until writes to the shards are worth proposing.
   *
   * @returns Whether one of them was expected: the log decides then, not what is served now
   */
  async holdWrites(shards: Iterable<ShardId>): Promise<boolean> {
    return await this.#hold(shards, ({ writes }) => writes.promise);
  }

  /** Waits until the shards can be read, or are not to be waited for. */
  async holdReads(shards: Iterable<ShardId>): Promise<void> {
    await this.#hold(shards, ({ reads }) => reads.promise);
  }

  async #hold(
    shards: Iterable<ShardId>,
    untilWhen: (arrival: Arrival) => Promise<void>,
  ): Promise<boolean> {
    const waits: Promise<void>[] = [];
    for (const shard of shards) {
      const arrival = this.#expected.get(shard);
      if (arrival !== undefined) waits.push(untilWhen(arrival));
    }
    await Promise.all(waits);
    return waits.length > 0;
  }
}
