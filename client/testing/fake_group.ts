/**
 * A group without consensus: replicas that share one memory, keep sessions by
 * the plainest means and misbehave as told. For tests of clients.
 */
import {
  type BatchRequest,
  type BatchResponse,
  type GetStatusResponse,
  KvServiceService,
  type Result,
  ResultCode,
  type ScanRequest,
  type ScanResponse,
  ShardKVServiceService,
  type ShardPlace,
  WriteBatch,
  type WriteCommand,
  WriteOp,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { type ServerStream, type ServiceRoutes, stream, unary } from "../../rpc/service.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import {
  type Gid,
  NO_IDENTITY,
  NO_STORE,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";

/** What a replica does with a batch before or instead of answering it. */
export type Fault =
  | "none"
  /** Answers NOT_LEADER without a hint. */
  | "notLeader"
  /** Carries it out, then breaks the stream. */
  | "loseResponse"
  /** Breaks the stream without carrying it out. */
  | "loseRequest"
  /** Never answers. */
  | "hang"
  /** Answers LEADERSHIP_LOST, having carried it out. */
  | "leadershipLost"
  | "overloaded"
  /** Refuses it for good. */
  | "refused";

export interface FakeGroupOptions {
  readonly gid: Gid;
  readonly addresses: readonly string[];
  readonly shards: number;
  readonly clock: Clock;
}

export class FakeGroup {
  readonly gid: Gid;
  readonly addresses: readonly string[];
  readonly #shards: number;
  readonly #clock: Clock;
  /** Of the whole group, by shard; moves with the shard. */
  readonly shards = new Map<ShardId, FakeShard>();
  /** Shards on their way to the group. */
  readonly arriving = new Set<ShardId>();
  /** Who serves shards that the group does not, as far as it says. */
  readonly places = new Map<ShardId, ShardPlace>();
  leader: string | undefined;
  /** Whether NOT_LEADER answers name the leader. */
  hints = true;
  configNum = 1;
  storeId = NO_STORE;
  identity = NO_IDENTITY;
  /** Decides what happens to each batch. */
  fault: (address: string, request: BatchRequest) => Fault = () => "none";
  /** Answers take so many milliseconds. */
  delayMs: () => number = () => 0;
  /** Streams that clients hold open, by replica. */
  readonly streams = new Map<string, number>();
  /** Every batch that came, at whichever replica. */
  batches = 0;
  commands = 0;
  /** Reads past so many bytes of values in one answer are NOT_READY. */
  responseBytesMax = 3 * 1_048_576;
  /** Pairs given out in pages. */
  scanned = 0;
  /** The largest pages given out. */
  pageKeysMax = 1_000;

  constructor(options: FakeGroupOptions) {
    this.gid = options.gid;
    this.addresses = options.addresses;
    this.#shards = options.shards;
    this.#clock = options.clock;
    this.leader = options.addresses[0];
  }

  /** What the replica at `address` answers. */
  routes(address: string): ServiceRoutes {
    return [
      stream(KvServiceService.stream, (call) => this.#serve(address, call)),
      unary(KvServiceService.scan, (request) => Promise.resolve(this.#scan(address, request))),
      unary(ShardKVServiceService.getStatus, () => Promise.resolve(this.#status(address))),
    ];
  }

  async #serve(
    address: string,
    call: ServerStream<BatchRequest, BatchResponse>,
  ): Promise<void> {
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => {});
    const answer = async (request: BatchRequest) => {
      try {
        const response = await this.#answer(address, request);
        if (response !== undefined) call.send(response);
      } catch (error) {
        broken.reject(error);
      }
    };
    const read = async () => {
      for await (const request of call.requests) answer(request);
    };
    this.#countStream(address, 1);
    try {
      await Promise.race([read(), broken.promise]);
    } finally {
      this.#countStream(address, -1);
    }
  }

  #countStream(address: string, by: number): void {
    const open = (this.streams.get(address) ?? 0) + by;
    if (open === 0) this.streams.delete(address);
    else this.streams.set(address, open);
  }

  async #answer(address: string, request: BatchRequest): Promise<BatchResponse | undefined> {
    this.batches++;
    const fault = this.fault(address, request);
    const delay = this.delayMs();
    if (delay > 0) await sleep(this.#clock, delay);
    if (fault === "hang") return undefined;
    if (fault === "loseRequest") throw new KvError("UNAVAILABLE", "The connection broke");
    if (fault === "overloaded") return refusal(request, "OVERLOADED", "");
    if (fault === "refused") return refusal(request, "REFUSED", "");
    if (fault === "notLeader") return refusal(request, "NOT_LEADER", "");
    if (address !== this.leader) {
      return refusal(request, "NOT_LEADER", this.hints ? this.leader ?? "" : "");
    }
    const response = this.#execute(request);
    if (fault === "loseResponse") throw new KvError("UNAVAILABLE", "The connection broke");
    if (fault === "leadershipLost") return refusal(request, "LEADERSHIP_LOST", "");
    return response;
  }

  #execute(request: BatchRequest): BatchResponse {
    const batch = WriteBatch.decode(request.writes);
    this.commands += batch.commands.length + request.getKeys.length;
    return {
      ...refusal(request, "", ""),
      configNum: this.configNum,
      writeResults: batch.commands.map((command) => this.#write(batch, command)),
      getResults: this.#readAll(request.getKeys),
      places: this.#placesOf([...batch.commands.map(({ key }) => key), ...request.getKeys]),
    };
  }

  #placesOf(keys: readonly Buffer[]): ShardPlace[] {
    const shards = new Set(keys.map((key) => shardOf(key, this.#shards)));
    return [...shards].flatMap((shard) =>
      this.shards.has(shard) ? [] : this.places.get(shard) ?? []
    );
  }

  #write(batch: WriteBatch, command: WriteCommand): Result {
    const shard = this.#shard(command.key);
    return typeof shard === "number" ? code(shard) : shard.write(batch, command);
  }

  #readAll(keys: readonly Buffer[]): Result[] {
    let bytes = 0;
    return keys.map((key) => {
      const result = this.#read(key);
      bytes += result.value.length;
      return bytes <= this.responseBytesMax ? result : code(ResultCode.RESULT_NOT_READY);
    });
  }

  #read(key: Buffer): Result {
    const shard = this.#shard(key);
    if (typeof shard === "number") return code(shard);
    const value = shard.data.get(key.toString("latin1"));
    return value === undefined ? code(ResultCode.RESULT_NO_KEY) : found(value);
  }

  #shard(key: Buffer): FakeShard | ResultCode {
    const id = shardOf(key, this.#shards);
    if (this.arriving.has(id)) return ResultCode.RESULT_NOT_READY;
    return this.shards.get(id) ?? ResultCode.RESULT_WRONG_GROUP;
  }

  #scan(address: string, request: ScanRequest): ScanResponse {
    if (address !== this.leader) {
      throw new KvError("NOT_LEADER", `${address} does not lead`, { leader: this.leader });
    }
    if (request.shards.some((id) => this.arriving.has(id) && !this.places.has(id))) {
      throw new KvError("NOT_READY", `Group ${this.gid} waits for some of the shards`);
    }
    const missing = request.shards.filter((id) => !this.shards.has(id));
    const places = missing.flatMap((id) => this.places.get(id) ?? []);
    if (places.length > 0 && places.length === missing.length) {
      return { pairs: [], more: false, places, configNum: this.configNum };
    }
    if (missing.length > 0) {
      throw new KvError("WRONG_GROUP", `Group ${this.gid} does not serve all of the shards`);
    }
    const keys = request.shards.flatMap((id) => [...this.shards.get(id)?.data.keys() ?? []])
      .filter((key) => key >= request.start.toString("latin1"))
      .filter((key) => request.end.length === 0 || key < request.end.toString("latin1"))
      .sort((a, b) => (a < b ? -1 : 1));
    const page = keys.slice(0, Math.min(request.limit, this.pageKeysMax));
    const pairs = page.map((key) => {
      const bytes = Buffer.from(key, "latin1");
      const value = this.shards.get(shardOf(bytes, this.#shards))?.data.get(key);
      return { key: bytes, value: request.keysOnly || value === undefined ? NONE : value };
    });
    this.scanned += pairs.length;
    return { pairs, more: page.length < keys.length, places: [], configNum: this.configNum };
  }

  #status(address: string): GetStatusResponse {
    const leads = address === this.leader;
    return {
      id: this.addresses.indexOf(address),
      state: leads ? "Leader" : "Follower",
      term: 3,
      lastApplied: 41,
      commitIndex: 42,
      storageSize: 4096,
      address,
      gid: this.gid,
      shards: [...this.shards].map(([shardId, { data }]) => {
        return { shardId, status: "Serving", keys: data.size, bytes: data.size * 10 };
      }),
      leaderAddress: this.leader ?? "",
      configNum: this.configNum,
      logFirstIndex: 1,
      logLastIndex: 42,
      version: "test",
      moves: [],
      storeId: this.storeId,
      identity: this.identity,
    };
  }
}

const NONE = Buffer.alloc(0);

/** One shard's data and sessions. Counts how often each write was carried out. */
export class FakeShard {
  readonly data = new Map<string, Buffer>();
  readonly sessions = new Map<string, FakeSession>();
  /** By `client:sequence`. More than 1 anywhere is a failure of exactly-once. */
  readonly executions = new Map<string, number>();
  /** Writes that came below their client's mark. */
  stale = 0;

  write(batch: WriteBatch, command: WriteCommand): Result {
    const session = this.#session(batch.clientId);
    session.forgetBelow(batch.lowestUnanswered);
    if (command.sequence < session.lowest) {
      this.stale++;
      return code(ResultCode.RESULT_STALE_SEQUENCE);
    }
    const known = session.replies.get(command.sequence);
    if (known !== undefined) return known;
    const name = `${batch.clientId}:${command.sequence}`;
    this.executions.set(name, (this.executions.get(name) ?? 0) + 1);
    const reply = this.#apply(command);
    session.replies.set(command.sequence, reply);
    return reply;
  }

  #session(clientId: string): FakeSession {
    const session = this.sessions.get(clientId) ?? new FakeSession();
    this.sessions.set(clientId, session);
    return session;
  }

  #apply(command: WriteCommand): Result {
    const key = command.key.toString("latin1");
    const old = this.data.get(key);
    switch (command.op) {
      case WriteOp.WRITE_OP_PUT:
        this.data.set(key, Buffer.from(command.value));
        return code(ResultCode.RESULT_OK);
      case WriteOp.WRITE_OP_APPEND:
        this.data.set(key, Buffer.concat([old ?? NONE, command.value]));
        return code(ResultCode.RESULT_OK);
      case WriteOp.WRITE_OP_DELETE:
        return code(this.data.delete(key) ? ResultCode.RESULT_OK : ResultCode.RESULT_NO_KEY);
      case WriteOp.WRITE_OP_CAS:
        return this.#swap(key, old, command);
      default:
        return code(ResultCode.RESULT_INVALID);
    }
  }

  #swap(key: string, old: Buffer | undefined, command: WriteCommand): Result {
    const matches = command.expectAbsent ? old === undefined : old?.equals(command.expected);
    if (!matches) {
      const mismatch = code(ResultCode.RESULT_MISMATCH);
      return old === undefined ? mismatch : { ...mismatch, value: old, hasValue: true };
    }
    if (command.deleteOnMatch) this.data.delete(key);
    else this.data.set(key, Buffer.from(command.value));
    return code(ResultCode.RESULT_OK);
  }
}

class FakeSession {
  readonly replies = new Map<number, Result>();
  lowest = 1;

  forgetBelow(lowest: number): void {
    this.lowest = Math.max(this.lowest, lowest);
    for (const sequence of this.replies.keys()) {
      if (sequence < this.lowest) this.replies.delete(sequence);
    }
  }
}

function code(code: ResultCode): Result {
  return { code, value: NONE, hasValue: false };
}

function found(value: Buffer): Result {
  return { code: ResultCode.RESULT_OK, value, hasValue: true };
}

function refusal(request: BatchRequest, error: string, leaderAddress: string): BatchResponse {
  return {
    id: request.id,
    error,
    message: error === "" ? "" : `Refused with ${error}`,
    leaderAddress,
    configNum: 0,
    writeResults: [],
    getResults: [],
    places: [],
    more: false,
  };
}
