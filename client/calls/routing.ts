/**
 * From a key to the group that serves it, by the newest configuration seen.
 * While a shard is copied the group that had it serves it, and whoever asks its
 * owner is told so: such a detour holds until the next configuration, or until
 * the group refuses the shard.
 */
import type { ShardPlace } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import {
  type Config,
  type Gid,
  isForeign,
  NO_GROUP,
  NO_STORE,
  serversOf,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import { ReplicaChoice } from "./replica_choice.ts";

/** Where configurations come from: the clerk of the controllers, or a test. */
export interface ConfigSource {
  /** The configuration `num`, by default the latest. */
  query(
    num?: number,
    call?: {
      readonly timeoutMs?: number;
      readonly signal?: AbortSignal;
      readonly onFailure?: ((error: KvError) => void) | undefined;
    },
  ): Promise<Config>;
}

/** Where a key lives. */
export interface Place {
  readonly shard: ShardId;
  /** NO_GROUP while nobody serves the shard. */
  readonly gid: Gid;
}

/** A group that has refused calls, and what it said. */
export interface RefusingGroup {
  readonly gid: Gid;
  /** The configuration by which it answered; 0 if it did not say. */
  readonly configNum: number;
  /** Who serves the calls' shards, as far as it knows. */
  readonly places: readonly ShardPlace[];
}

export interface RouterOptions {
  readonly source: ConfigSource;
  readonly clock: Clock;
  /** Time for one question to the controllers, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends a question that is under way. */
  readonly signal: AbortSignal;
  /** Told why a controller could not be asked; others are. */
  readonly onFailure?: (error: KvError) => void;
  /** Told of each newer configuration once it is in force here. */
  readonly onChange?: (config: Config) => void;
}

/** Caches the configuration and, per group, which replica to ask. */
export class Router {
  readonly #options: RouterOptions;
  readonly #choices = new Map<Gid, ReplicaChoice>();
  /** Who serves a shard instead of its owner. Invariant: told under the configuration at hand. */
  readonly #detours = new Map<ShardId, ShardPlace>();
  /**
   * Who has given a shard away: nobody is sent there again. Invariant: in the configuration at
   * hand, or a later one.
   */
  readonly #given = new Map<ShardId, { readonly gid: Gid; readonly configNum: number }>();
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
    return { shard, gid: this.gidOf(shard) };
  }

  /** Whom to ask for a shard; NO_GROUP while nobody serves it. */
  gidOf(shard: ShardId): Gid {
    return this.#detours.get(shard)?.gid ?? this.#config?.shards[shard] ?? NO_GROUP;
  }

  /** Whether another group than its owner is asked for a shard. */
  isDetour(shard: ShardId): boolean {
    return this.#detours.has(shard);
  }

  /** The replicas of a group; undefined if none are known. */
  replicas(gid: Gid): ReplicaChoice | undefined {
    const known = this.#choices.get(gid);
    if (known !== undefined) return known;
    const servers = this.#serversOf(gid);
    if (servers.length === 0) return undefined;
    const choice = new ReplicaChoice(servers, this.#options.clock);
    this.#choices.set(gid, choice);
    return choice;
  }

  /**
   * A group does not serve shards, and says who does.
   *
   * @param isGiven They are not its own in the configuration by which it answered
   */
  refused(
    { gid, configNum, places }: RefusingGroup,
    shards: Iterable<ShardId>,
    isGiven: boolean,
  ): void {
    const { num = 0, shards: owners = [] } = this.#config ?? {};
    for (const shard of shards) {
      if (isGiven && configNum >= num) this.#given.set(shard, { gid, configNum });
      if (this.#detours.get(shard)?.gid === gid) this.#detours.delete(shard);
      const place = places.find((each) => each.shard === shard);
      if (place === undefined || place.gid === gid || place.servers.length === 0) continue;
      if (place.gid === owners[shard] || this.#hasGiven(place)) this.#detours.delete(shard);
      else this.#detours.set(shard, place);
    }
  }

  /**
   * A group that owners have named does not answer: asks the owners again.
   *
   * @returns Whether it was named
   */
  forgetDetours(gid: Gid): boolean {
    const shards = [...this.#detours.values()].filter((place) => place.gid === gid);
    for (const { shard } of shards) this.#detours.delete(shard);
    return shards.length > 0;
  }

  #hasGiven({ shard, gid }: ShardPlace): boolean {
    return this.#given.get(shard)?.gid === gid;
  }

  /** By the configuration; of a group that it does not name any more, by who named it. */
  #serversOf(gid: Gid): readonly string[] {
    const listed = this.#config === undefined ? [] : serversOf(this.#config, gid);
    if (listed.length > 0) return listed;
    return [...this.#detours.values()].find((place) => place.gid === gid)?.servers ?? [];
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
    const { source, signal, onFailure } = this.#options;
    const timeoutMs = Math.min(lessMs, this.#options.timeoutMs);
    try {
      this.#take(await source.query(undefined, { timeoutMs, signal, onFailure }));
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
    this.#detours.clear();
    for (const [shard, { configNum }] of this.#given) {
      if (configNum < config.num) this.#given.delete(shard);
    }
    for (const [gid, choice] of this.#choices) {
      const servers = serversOf(config, gid);
      if (servers.length === 0) this.#choices.delete(gid);
      else choice.replace(servers);
    }
    this.#options.onChange?.(config);
  }
}
