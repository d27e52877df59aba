/** One group that serves every key, its clients and its misfortunes: what the scenarios of a replicated store run on. */
import { KvClerk } from "../../../client/kv_clerk.ts";
import { sleep } from "../../../runtime/clock.ts";
import { createPrng, type Prng } from "../../../runtime/prng.ts";
import { StoreCluster, type StoreOptions } from "../../../shardkv/cluster_testing.ts";
import { badNetwork, goodNetwork, KEEPALIVE_MS, partition } from "../network.ts";

export const GID = 100;

/** Milliseconds a call has: longer than any misfortune lasts, so that every call must succeed. */
const CALL_MS = 120_000;

export interface KvGroupOptions {
  /** @default {5} */
  readonly replicas?: number;
  /** Lose and delay messages. @default {false} */
  readonly unreliable?: boolean;
  readonly tuning?: StoreOptions["tuning"];
}

export class KvGroup {
  readonly store: StoreCluster;
  readonly prng: Prng = createPrng(11);
  readonly positions: readonly number[];
  readonly unreliable: boolean;
  readonly #clients: KvClerk[] = [];

  private constructor(store: StoreCluster, unreliable: boolean) {
    this.store = store;
    this.unreliable = unreliable;
    this.positions = [...store.addresses(GID).keys()];
  }

  static async start(options: KvGroupOptions = {}): Promise<KvGroup> {
    const { replicas = 5, unreliable = false, tuning = {} } = options;
    const store = await StoreCluster.start({
      shards: 1,
      gids: [GID],
      replicas,
      tuning,
      delayMs: unreliable ? badNetwork : goodNetwork,
      keepaliveMs: KEEPALIVE_MS,
      diskMs: 1,
    });
    const group = new KvGroup(store, unreliable);
    await store.join(GID);
    await store.settle(GID);
    return group;
  }

  get now(): number {
    return this.store.ctrl.clock.now();
  }

  /** A client with connections of its own. */
  client(): KvClerk {
    const { ctrl } = this.store;
    const clerk = new KvClerk({
      controllers: ctrl.addresses,
      dialer: ctrl.dialer(`client-${this.#clients.length}`),
      clock: ctrl.clock,
      prng: this.prng,
      timeoutMs: CALL_MS,
    });
    this.#clients.push(clerk);
    return clerk;
  }

  addressOf(client: KvClerk): string {
    return `client-${this.#clients.indexOf(client)}`;
  }

  sleep(ms: number): Promise<void> {
    return sleep(this.store.ctrl.clock, ms);
  }

  run<T>(promise: Promise<T>, limitMs = 2 * CALL_MS): Promise<T> {
    return this.store.run(promise, limitMs);
  }

  addresses(positions: readonly number[]): string[] {
    const all = this.store.addresses(GID);
    return positions.map((position) => all[position] ?? "");
  }

  /** Cuts the group in two; the addresses of clients go where they are named. */
  split(left: readonly string[], right: readonly string[]): void {
    this.heal();
    partition(this.store.ctrl.network, [left, right]);
  }

  heal(): void {
    this.store.ctrl.network.heal();
  }

  /** Power cut of all replicas, and power again. */
  async crashAll(): Promise<void> {
    for (const position of this.positions) await this.store.crash(GID, position);
    for (const position of this.positions) await this.store.start(GID, position);
  }

  async leader(): Promise<number> {
    await this.store.until(() => this.store.leader(GID) !== -1);
    return this.store.leader(GID);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    for (const client of this.#clients) await this.run(client.close());
    await this.store[Symbol.asyncDispose]();
  }
}
