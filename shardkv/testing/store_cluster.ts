/** A whole store in one process: controllers and groups over virtual time, memory engines, a memory network. */
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { checkServers } from "../../client/join_check.ts";
import { KvClerk } from "../../client/kv_clerk.ts";
import { ShardKVServiceService } from "../../proto/gen/shardkv.ts";
import type { MemoryServer } from "../../rpc/memory/memory_network.ts";
import { sleep } from "../../runtime/clock.ts";
import { type Logger, silentLogger } from "../../runtime/logger.ts";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import type { Config, Gid } from "../../shardctrler/configuration/config.ts";
import {
  ControllerCluster,
  type MessageDelay,
} from "../../shardctrler/testing/controller_cluster.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import { GroupReplica, type GroupReplicaOptions } from "../group_replica.ts";

type Tuning = Partial<
  Pick<
    GroupReplicaOptions,
    | "limits"
    | "forward"
    | "forwardDialer"
    | "retainedEntriesMax"
    | "retainedBytesMax"
    | "leaseReads"
  >
>;

/** Longer than a follower takes to hear of what its leader has committed. */
const FOLLOWERS_MS = 50;

export interface StoreOptions {
  readonly tuning?: Tuning;
  readonly shards: number;
  readonly controllers?: number;
  readonly replicas?: number;
  /** Milliseconds a message takes. @default {0} */
  readonly delayMs?: number | MessageDelay;
  /** Milliseconds from a lost message until its connection counts as broken. @default {2000} */
  readonly keepaliveMs?: number;
  /** Milliseconds the groups' engines take for a write. @default {0} */
  readonly diskMs?: number;
  /** Where the groups' replicas log to. @default {nowhere} */
  readonly logger?: Logger;
  /** Groups to start; none has joined. */
  readonly gids: readonly Gid[];
}

interface Replica {
  engine: MemoryEngine;
  node: GroupReplica | undefined;
  server: MemoryServer | undefined;
}

export class StoreCluster {
  readonly ctrl: ControllerCluster;
  readonly clerk: KvClerk;
  readonly admin: CtrlerClerk;
  /** What made replicas give up. */
  readonly failures: unknown[] = [];
  readonly #options: StoreOptions;
  readonly #prng: Prng = createPrng(7);
  readonly #groups = new Map<Gid, Replica[]>();

  private constructor(options: StoreOptions, ctrl: ControllerCluster) {
    this.#options = options;
    this.ctrl = ctrl;
    this.admin = ctrl.clerk();
    this.clerk = this.kvClerk();
  }

  static async start(options: StoreOptions): Promise<StoreCluster> {
    const { shards, controllers = 1, delayMs = 0, keepaliveMs } = options;
    const delay = typeof delayMs === "number" ? () => delayMs : delayMs;
    const ctrl = await ControllerCluster.start(controllers, { shards }, delay, keepaliveMs);
    const store = new StoreCluster(options, ctrl);
    for (const gid of options.gids) await store.startGroup(gid);
    return store;
  }

  addresses(gid: Gid): string[] {
    const { replicas = 1 } = this.#options;
    return Array.from({ length: replicas }, (_, position) => this.address(gid, position));
  }

  address(gid: Gid, position: number): string {
    return `g${gid}-${position}:1`;
  }

  async startGroup(gid: Gid): Promise<void> {
    const replicas = this.addresses(gid).map(() => this.#createReplica());
    this.#groups.set(gid, replicas);
    for (const position of replicas.keys()) await this.start(gid, position);
  }

  /** Starts a replica on an empty disk that was added to its group; the next position is its. */
  async startAdded(gid: Gid): Promise<number> {
    const replicas = this.#groups.get(gid) ?? [];
    replicas.push(this.#createReplica());
    await this.start(gid, replicas.length - 1);
    return replicas.length - 1;
  }

  #createReplica(): Replica {
    return { engine: this.#createEngine(), node: undefined, server: undefined };
  }

  #createEngine(): MemoryEngine {
    const { diskMs = 0 } = this.#options;
    if (diskMs === 0) return new MemoryEngine();
    const { clock } = this.ctrl;
    return new MemoryEngine({
      delay: (operation) => operation === "read" ? Promise.resolve() : sleep(clock, diskMs),
    });
  }

  /** Starts a replica from whatever its engine holds. */
  async start(gid: Gid, position: number): Promise<void> {
    const replica = this.replica(gid, position);
    const members = this.addresses(gid);
    const address = this.address(gid, position);
    const opening = GroupReplica.open({
      ...this.#options.tuning,
      gid,
      position,
      members,
      join: position < members.length ? undefined : address,
      controllers: this.ctrl.addresses,
      clusterToken: "test",
      engine: replica.engine,
      dialer: this.ctrl.dialer(address),
      clock: this.ctrl.clock,
      prng: this.#prng,
      logger: this.#options.logger ?? silentLogger,
      version: "test",
      onFatal: (error) => this.failures.push(error),
    });
    replica.node = await this.run(opening);
    replica.server = this.ctrl.network.serve(address, replica.node.routes);
  }

  async stop(gid: Gid, position: number): Promise<void> {
    const replica = this.replica(gid, position);
    replica.server?.close();
    await this.run(replica.node?.stop() ?? Promise.resolve());
    replica.node = undefined;
  }

  /** As if its disk was replaced by an empty one while it was down. */
  wipe(gid: Gid, position: number): void {
    this.replica(gid, position).engine = this.#createEngine();
  }

  /** As kill -9 with a power cut. */
  async crash(gid: Gid, position: number): Promise<void> {
    const replica = this.replica(gid, position);
    const before = replica.engine;
    replica.engine = before.crash(this.#prng);
    await this.stop(gid, position);
  }

  replica(gid: Gid, position: number): Replica {
    const replica = this.#groups.get(gid)?.[position];
    if (replica === undefined) throw new Error(`There is no replica ${position} of group ${gid}`);
    return replica;
  }

  node(gid: Gid, position = 0): GroupReplica {
    const { node } = this.replica(gid, position);
    if (node === undefined) throw new Error(`Replica ${position} of group ${gid} is down`);
    return node;
  }

  /** Position of the group's leader; -1 while there is none. */
  leader(gid: Gid): number {
    const nodes = this.#groups.get(gid) ?? [];
    return nodes.findIndex(({ node }) => node?.status().state === "Leader");
  }

  /** Joins groups as the command line does, which asks them first who they are. */
  async join(...gids: Gid[]): Promise<Config> {
    const groups = new Map(gids.map((gid) => [gid, this.addresses(gid)]));
    const clock = this.ctrl.clock;
    const context = { clerk: this.admin, dialer: this.ctrl.dialer("admin"), clock };
    const asking = checkServers(groups, { ...context, timeoutMs: 30_000, print: () => {} });
    const identities = await this.run(asking);
    return await this.run(this.admin.join(groups, { identities }));
  }

  /** Lets time pass until the groups are in the latest configuration and nothing is on its way. */
  async settle(...gids: Gid[]): Promise<void> {
    const { num } = await this.run(this.admin.query());
    await this.until(() => gids.every((gid) => this.isSettled(gid, num)));
    // Followers hear a little later what is committed.
    await this.ctrl.clock.advance(FOLLOWERS_MS);
  }

  /** Whether the group has a leader, is in the configuration and has no shard in between. */
  isSettled(gid: Gid, num: number): boolean {
    const leader = this.leader(gid);
    if (leader === -1) return false;
    const { configNum, shards } = this.node(gid, leader).status();
    const isAtRest = (status: string) => status === "Serving" || status === "Frozen";
    return configNum === num && shards.every(({ status }) => isAtRest(status));
  }

  until(condition: () => boolean, limitMs = 60_000): Promise<void> {
    return this.ctrl.clock.advanceUntil(condition, limitMs);
  }

  run<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    return this.ctrl.run(promise, limitMs);
  }

  kvClerk(): KvClerk {
    return new KvClerk({
      controllers: this.ctrl.addresses,
      dialer: this.ctrl.dialer("kv-client"),
      clock: this.ctrl.clock,
      prng: this.#prng,
    });
  }

  /** eRaft's Command, as a client sends it that knows one server only. */
  async command(
    address: string,
    request: { op: number; key: string; value?: string; clientId?: string; commandId?: string },
    metadata: Record<string, string> = {},
  ): Promise<{ err: string; value: string }> {
    const { op, key, value = "", clientId = "0", commandId = "0" } = request;
    const channel = this.ctrl.dialer("classic").channel(address);
    const message = { op, key: Buffer.from(key), value: Buffer.from(value), clientId, commandId };
    const call = channel.unary(ShardKVServiceService.command, message, {
      timeoutMs: 5_000,
      metadata,
    });
    const answer = await this.run(call);
    return { err: answer.err, value: answer.value.toString() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(this.clerk.close());
    for (const [gid, replicas] of this.#groups) {
      for (const position of replicas.keys()) await this.stop(gid, position);
    }
    await this.ctrl[Symbol.asyncDispose]();
    for (const replicas of this.#groups.values()) {
      for (const { engine } of replicas) await engine.close();
    }
  }
}
