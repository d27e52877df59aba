/** A second store on the network of the first, with controllers and groups of one node each. */
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import type { MemoryServer } from "../../rpc/memory/memory_network.ts";
import type { Dialer, ServiceRoutes } from "../../rpc/service.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import type { Config, Gid } from "../../shardctrler/configuration/config.ts";
import { Controller } from "../../shardctrler/controller.ts";
import { GroupReplica } from "../../shardkv/group_replica.ts";
import type { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";

const CONTROLLER = "other-ctrl:1";

/** Another sequence than that of the store under test: ids are drawn from it. */
const SEED = 0xbad;

export class OtherStore {
  readonly controllers = [CONTROLLER];
  readonly #store: StoreCluster;
  readonly #prng = createPrng(SEED);
  readonly #dialers: Dialer[] = [];
  /** Ends what was started, in the order of its start. */
  readonly #ends: (() => Promise<void>)[] = [];

  private constructor(store: StoreCluster) {
    this.#store = store;
  }

  static async start(store: StoreCluster): Promise<OtherStore> {
    const other = new OtherStore(store);
    const opening = Controller.open({
      ...other.#optionsOf(CONTROLLER),
      position: 0,
      members: other.controllers,
      shards: (await store.run(store.admin.query())).shards.length,
    });
    other.#serve(CONTROLLER, await store.run(opening));
    return other;
  }

  /** Starts a group's only replica; it has not joined. */
  async startGroup(gid: Gid, address: string): Promise<GroupReplica> {
    const node = await this.#store.run(GroupReplica.open({
      ...this.#optionsOf(address),
      gid,
      position: 0,
      members: [address],
      controllers: this.controllers,
    }));
    this.#serve(address, node);
    return node;
  }

  async join(gid: Gid, servers: readonly string[]): Promise<Config> {
    using clerk = this.#clerk();
    return await this.#store.run(clerk.join(new Map([[gid, servers]])));
  }

  async latest(): Promise<Config> {
    using clerk = this.#clerk();
    return await this.#store.run(clerk.query());
  }

  #clerk() {
    const { clock } = this.#store.ctrl;
    const dialer = this.#dialer("other-admin");
    const { controllers } = this;
    const clerk = new CtrlerClerk({ controllers, dialer, clock, prng: this.#prng });
    return Object.assign(clerk, { [Symbol.dispose]: () => clerk.close() });
  }

  #optionsOf(address: string) {
    const engine = new MemoryEngine();
    this.#ends.push(() => engine.close());
    return {
      clusterToken: "other",
      engine,
      dialer: this.#dialer(address),
      clock: this.#store.ctrl.clock,
      prng: this.#prng,
      logger: silentLogger,
      onFatal: (error: unknown) => this.#store.failures.push(error),
    };
  }

  #dialer(from: string): Dialer {
    const dialer = this.#store.ctrl.network.dialer(from);
    this.#dialers.push(dialer);
    return dialer;
  }

  #serve(
    address: string,
    node: { readonly routes: ServiceRoutes; stop(): Promise<void> },
  ): void {
    const server: MemoryServer = this.#store.ctrl.network.serve(address, node.routes);
    this.#ends.push(async () => {
      server.close();
      await node.stop();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.toReversed()) await this.#store.run(end());
    for (const dialer of this.#dialers) await this.#store.run(dialer.close());
  }
}
