/**
 * Lets requests wait for a shard whose last records are on their way to this group.
 * At that moment nobody serves it. Clients that were refused would go back and
 * forth between the two groups, with all they want to write, until it has arrived.
 */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { ShardId } from "../../shardctrler/configuration/config.ts";
import { ARRIVAL_MS_MAX } from "../limits.ts";

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

  /**
   * The last owner is being asked to freeze the shard: requests wait for it, at
   * most {@linkcode ARRIVAL_MS_MAX}.
   */
  expect(shard: ShardId): void {
    if (this.#expected.has(shard)) return;
    this.#expected.set(shard, {
      writes: Promise.withResolvers(),
      reads: Promise.withResolvers(),
      timer: this.#clock.setTimer(() => this.end(shard), ARRIVAL_MS_MAX),
    });
  }

  /**
   * The step after which this group serves the shard is in the log: writes may be
   * proposed behind it.
   */
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
   * Waits until writes to the shards may be proposed.
   *
   * @returns Whether one of the shards was expected: then the log decides whether
   *   it is served, and not what is served at the moment
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
