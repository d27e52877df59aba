/** Fake groups on a memory network with a configuration that tests change at will. */
import { MemoryNetwork, type MemoryServer } from "../../rpc/memory/memory_network.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createPrng } from "../../runtime/prng.ts";
import {
  type Config,
  emptyConfig,
  type Gid,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import type { ConfigSource } from "../calls/routing.ts";
import { KvClerk, type KvClerkOptions } from "../kv_clerk.ts";
import { FakeGroup, FakeShard } from "./fake_group.ts";

export interface FakeClusterOptions {
  readonly clock: Clock;
  readonly groups?: number;
  readonly replicas?: number;
  readonly shards?: number;
}

/** Groups 100, 101, ... with servers `100-0`, `100-1`, ...; shards are dealt in turn. */
export class FakeCluster implements ConfigSource {
  readonly network: MemoryNetwork;
  readonly groups = new Map<Gid, FakeGroup>();
  readonly servers = new Map<string, MemoryServer>();
  readonly #options: FakeClusterOptions;
  config: Config;
  /** How often a client asked for the configuration. */
  queries = 0;
  /** What `query` does before it answers. */
  beforeQuery: () => Promise<void> = () => Promise.resolve();

  constructor(options: FakeClusterOptions) {
    const { clock, groups = 2, replicas = 3, shards = 10 } = options;
    this.#options = options;
    this.network = new MemoryNetwork({ clock });
    for (let position = 0; position < groups; position++) {
      const gid = 100 + position;
      const addresses = Array.from({ length: replicas }, (_, id) => `${gid}-${id}`);
      const group = new FakeGroup({ gid, addresses, shards, clock });
      this.groups.set(gid, group);
      for (const address of addresses) this.start(address);
    }
    this.config = {
      ...emptyConfig(shards),
      num: 1,
      shards: Array.from({ length: shards }, (_, shard) => 100 + shard % groups),
      groups: new Map([...this.groups].map(([gid, { addresses }]) => [gid, addresses])),
    };
    for (const [shard, gid] of this.config.shards.entries()) {
      this.group(gid).shards.set(shard, new FakeShard());
    }
  }

  async query(): Promise<Config> {
    this.queries++;
    await this.beforeQuery();
    return this.config;
  }

  group(gid: Gid): FakeGroup {
    const group = this.groups.get(gid);
    if (group === undefined) throw new Error(`There is no group ${gid}`);
    return group;
  }

  groupOf(key: string): FakeGroup {
    return this.group(this.config.shards[this.shardOf(key)] ?? 0);
  }

  shardOf(key: string): ShardId {
    return shardOf(Buffer.from(key), this.config.shards.length);
  }

  /** Hands a shard over, data and sessions, and makes the next configuration. */
  move(shard: ShardId, to: Gid): void {
    const from = this.group(this.config.shards[shard] ?? 0);
    const moved = from.shards.get(shard) ?? new FakeShard();
    from.shards.delete(shard);
    this.group(to).shards.set(shard, moved);
    const shards = this.config.shards.map((gid, id) => id === shard ? to : gid);
    this.config = { ...this.config, num: this.config.num + 1, shards };
    for (const group of this.groups.values()) group.configNum = this.config.num;
  }

  start(address: string): void {
    const group = this.group(Number(address.split("-")[0]));
    this.servers.set(address, this.network.serve(address, group.routes(address)));
  }

  stop(address: string): void {
    this.servers.get(address)?.close();
    this.servers.delete(address);
  }

  /** All shards of all groups. */
  allShards(): FakeShard[] {
    return [...this.groups.values()].flatMap((group) => [...group.shards.values()]);
  }

  clerk(options: Partial<KvClerkOptions> = {}): KvClerk {
    return new KvClerk({
      controllers: [],
      source: this,
      dialer: this.network.dialer(),
      ownsDialer: true,
      clock: this.#options.clock,
      prng: createPrng(1),
      ...options,
    });
  }
}
