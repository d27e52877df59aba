/** A store on virtual time with clients of its own: what every scenario is played on. */
import { KvClerk } from "../../client/kv_clerk.ts";
import { sleep } from "../../runtime/clock.ts";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import { StoreCluster, type StoreOptions } from "../../shardkv/testing/store_cluster.ts";
import { badNetwork, goodNetwork, KEEPALIVE_MS, partition } from "./network.ts";

/** Milliseconds a call has: longer than any misfortune lasts, so that every call must succeed. */
const CALL_MS = 120_000;

export interface StageOptions extends
  Pick<
    StoreOptions,
    "shards" | "gids" | "replicas" | "controllers" | "tuning"
  > {
  /** Lose and delay messages. @default {false} */
  readonly unreliable?: boolean;
}

export class Stage {
  readonly store: StoreCluster;
  readonly unreliable: boolean;
  readonly prng: Prng = createPrng(11);
  readonly #clients: KvClerk[] = [];

  protected constructor(store: StoreCluster, unreliable: boolean) {
    this.store = store;
    this.unreliable = unreliable;
  }

  /** Starts controllers and groups; none has joined. */
  static async open({ unreliable = false, ...options }: StageOptions): Promise<Stage> {
    return new Stage(await openStore(options, unreliable), unreliable);
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

  /** Lets time pass, as the test's own step. */
  sleepWithin(ms: number): Promise<void> {
    return this.store.ctrl.clock.advance(ms);
  }

  run<T>(promise: Promise<T>, limitMs = 2 * CALL_MS): Promise<T> {
    return this.store.run(promise, limitMs);
  }

  /** Cuts the network in two; whoever is named on no side reaches everybody. */
  split(left: readonly string[], right: readonly string[]): void {
    this.heal();
    partition(this.store.ctrl.network, [left, right]);
  }

  heal(): void {
    this.store.ctrl.network.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    for (const client of this.#clients) await this.run(client.close());
    await this.store[Symbol.asyncDispose]();
  }
}

export function openStore(
  options: Omit<StageOptions, "unreliable">,
  unreliable: boolean,
): Promise<StoreCluster> {
  return StoreCluster.start({
    ...options,
    delayMs: unreliable ? badNetwork : goodNetwork,
    keepaliveMs: KEEPALIVE_MS,
    diskMs: 1,
  });
}
