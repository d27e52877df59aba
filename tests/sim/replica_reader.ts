/** Reads that any replica may answer, its leader asked or not: servers offer them, no clerk uses them. */
import type { ConfigSource } from "../../client/calls/routing.ts";
import { KvServiceService, type Result, ResultCode } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import { type Config, NO_GROUP, serversOf } from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import type { Draw } from "./draw.ts";

export interface ReplicaReaderOptions {
  readonly source: ConfigSource;
  readonly dialer: Dialer;
  readonly draw: Draw;
}

export interface ReadTerms {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export class ReplicaReader {
  readonly #options: ReplicaReaderOptions;
  /** Kept until somebody refuses: a group that has lost a shard since must say so itself. */
  #config: Config | undefined;

  constructor(options: ReplicaReaderOptions) {
    this.#options = options;
  }

  /**
   * Asks one member of the key's group, whichever is drawn, and only once.
   *
   * @returns The value, or undefined if there is none
   * @throws {KvError} If it cannot or will not answer, or nobody serves the key
   */
  async get(key: string, { timeoutMs, signal }: ReadTerms): Promise<Uint8Array | undefined> {
    // One half for each of two questions.
    const terms = { timeoutMs: timeoutMs / 2, signal };
    try {
      return await this.#ask(Buffer.from(key), terms);
    } catch (error) {
      this.#config = undefined;
      throw error;
    }
  }

  async #ask(key: Buffer, terms: ReadTerms): Promise<Uint8Array | undefined> {
    const { source, dialer, draw } = this.#options;
    const config = this.#config ??= await source.query(undefined, terms);
    const servers = serversOf(
      config,
      config.shards[shardOf(key, config.shards.length)] ?? NO_GROUP,
    );
    if (servers.length === 0) throw new KvError("WRONG_GROUP", `Cannot read ${key}: nobody has it`);
    const request = { id: 0, writes: Buffer.alloc(0), getKeys: [key], ageMs: 0, anyReplica: true };
    const channel = dialer.channel(draw.pick(servers));
    const { getResults } = await channel.unary(KvServiceService.execute, request, terms);
    return valueIn(getResults[0], channel.address);
  }
}

function valueIn(result: Result | undefined, address: string): Uint8Array | undefined {
  switch (result?.code) {
    case ResultCode.RESULT_OK:
      return result.value;
    case ResultCode.RESULT_NO_KEY:
      return undefined;
    default:
      throw new KvError("NOT_READY", `Cannot read at ${address}: it answers ${result?.code}`);
  }
}
