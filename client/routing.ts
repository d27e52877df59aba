/** From a key to the group that serves it, by the newest configuration seen. */
import type { Clock } from "../runtime/clock.ts";
import {
  type Config,
  type Gid,
  isForeign,
  NO_GROUP,
  NO_STORE,
  serversOf,
  type ShardId,
} from "../shardctrler/config.ts";
import { shardOf } from "../shardctrler/shard_hash.ts";
import { KvError } from "../rpc/errors.ts";
import { ReplicaChoice } from "./replica_choice.ts";

/** Where configurations come from: the clerk of the controllers, or a test. */
export interface ConfigSource {
  /** The configuration `num`, by default the latest. */
  query(
    num?: number,
    call?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<Config>;
}

/** Where a key lives. */
export interface Place {
  readonly shard: ShardId;
  /** NO_GROUP while nobody serves the shard. */
  readonly gid: Gid;
}

export interface RouterOptions {
  readonly source: ConfigSource;
  readonly clock: Clock;
  /** Time for one question to the controllers, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends a question that is under way. */
  readonly signal: AbortSignal;
  /** Told of each newer configuration once it is in force here. */
  readonly onChange?: (config: Config) => void;
}

/** Caches the configuration and, per group, which replica to ask. */
export class Router {
  readonly #options: RouterOptions;
  readonly #choices = new Map<Gid, ReplicaChoice>();
  #config: Config | undefined;
  #refreshing: Promise<KvError | undefined> | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** The newest configuration seen, if any yet. */
  get config(): Config | undefined {
    return this.#config;
  }

  /** Where a key lives in the configuration at hand; undefined before there is one. */
  locate(key: Uint8Array): Place | undefined {
    const config = this.#config;
    if (config === undefined) return undefined;
    const shard = shardOf(key, config.shards.length);
    return { shard, gid: config.shards[shard] ?? NO_GROUP };
  }

  /** The replicas of a group; undefined if the configuration at hand names none. */
  replicas(gid: Gid): ReplicaChoice | undefined {
    const known = this.#choices.get(gid);
    if (known !== undefined) return known;
    const servers = this.#config === undefined ? [] : serversOf(this.#config, gid);
    if (servers.length === 0) return undefined;
    const choice = new ReplicaChoice(servers, this.#options.clock);
    this.#choices.set(gid, choice);
    return choice;
  }

  /**
   * Asks for the latest configuration; everyone who asks meanwhile shares the
   * answer. Never rejects.
   *
   * @param timeoutMs Less time than usual, if the question is a new one
   * @returns Why there is no newer knowledge, or undefined: REFUSED if the controllers are now
   *   those of another store, where what this client has written is not to be found
   */
  refresh(timeoutMs = Infinity): Promise<KvError | undefined> {
    this.#refreshing ??= this.#query(timeoutMs).finally(() => this.#refreshing = undefined);
    return this.#refreshing;
  }

  async #query(lessMs: number): Promise<KvError | undefined> {
    const { source, signal } = this.#options;
    const timeoutMs = Math.min(lessMs, this.#options.timeoutMs);
    try {
      this.#take(await source.query(undefined, { timeoutMs, signal }));
      return undefined;
    } catch (error) {
      return KvError.from(error);
    }
  }

  #take(config: Config): void {
    const own = this.#config?.storeId ?? NO_STORE;
    if (isForeign(own, config.storeId)) {
      throw new KvError(
        "REFUSED",
        `The controllers are those of store ${config.storeId}: this client is one of store ${own}`,
      );
    }
    if (this.#config !== undefined && config.num <= this.#config.num) return;
    this.#config = config;
    for (const [gid, choice] of this.#choices) {
      const servers = serversOf(config, gid);
      if (servers.length === 0) this.#choices.delete(gid);
      else choice.replace(servers);
    }
    this.#options.onChange?.(config);
  }
}
