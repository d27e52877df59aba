/** Several groups that share the shards: what the scenarios of a sharded store are played on. */
import type { Gid, ShardId } from "../../../shardctrler/configuration/config.ts";
import { keyIn } from "../../../shardkv/testing/machine_harness.ts";
import { Appender } from "../appender.ts";
import { openStore, Stage, type StageOptions } from "../stage.ts";

export const SHARDS = 8;

export interface ShardStageOptions extends Pick<StageOptions, "tuning" | "unreliable"> {
  readonly gids: readonly Gid[];
  /** Replicas of each group. @default {3} */
  readonly replicas?: number;
  /** @default {1} */
  readonly controllers?: number;
}

export class ShardStage extends Stage {
  #replicas = 0;

  /** Starts controllers and groups; none has joined. */
  static async start(options: ShardStageOptions): Promise<ShardStage> {
    const { replicas = 3, unreliable = false, ...rest } = options;
    const store = await openStore({ shards: SHARDS, replicas, ...rest }, unreliable);
    const stage = new ShardStage(store, unreliable);
    stage.#replicas = replicas;
    return stage;
  }

  /** Joins the groups and waits until each has its shards. */
  async join(...gids: Gid[]): Promise<void> {
    await this.store.join(...gids);
    await this.settle(...gids);
  }

  async settle(...gids: Gid[]): Promise<void> {
    const { num } = await this.run(this.store.admin.query());
    await this.store.until(() => gids.every((gid) => this.store.isSettled(gid, num)), 120_000);
  }

  async crashGroup(gid: Gid): Promise<void> {
    for (let i = 0; i < this.#replicas; i++) await this.store.crash(gid, i);
  }

  async startGroup(gid: Gid): Promise<void> {
    for (let i = 0; i < this.#replicas; i++) await this.store.start(gid, i);
  }

  async crashControllers(): Promise<void> {
    for (const position of this.store.ctrl.addresses.keys()) await this.store.ctrl.crash(position);
  }

  async startControllers(): Promise<void> {
    for (const position of this.store.ctrl.addresses.keys()) {
      await this.store.ctrl.restart(position);
    }
  }

  /** Shards that the latest configuration gives to the group. */
  async shardsOf(gid: Gid): Promise<ShardId[]> {
    const { shards } = await this.run(this.store.admin.query());
    return [...shards.keys()].filter((shard) => shards[shard] === gid);
  }

  /** An appender with a key of each shard, in the order of the shards. */
  appenders(): Appender[] {
    return Array.from({ length: SHARDS }, (_, shard) => new Appender(this, keyIn(shard, SHARDS)));
  }

  /** Statuses of the shards in the group, as its leader has them. */
  statuses(gid: Gid): string[] {
    const leader = this.store.leader(gid);
    if (leader === -1) return [];
    return this.store.node(gid, leader).status().shards.map(({ status }) => status);
  }
}

/** Appends one word with each, all at once. */
export async function appendAll(stage: Stage, appenders: readonly Appender[]): Promise<void> {
  await stage.run(Promise.all(appenders.map((appender) => appender.append())));
}
