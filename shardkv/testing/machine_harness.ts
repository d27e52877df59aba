/** A group's machine over a memory engine and the real applier, without Raft; for tests. */
import { assert } from "@std/assert";
import * as raftpb from "../../proto/gen/raft.ts";
import {
  type InsertChunk,
  type PullShardResponse,
  WriteBatch,
  type WriteCommand,
  WriteOp,
} from "../../proto/gen/shardkv.ts";
import { Applier } from "../../raft/node/apply/applier.ts";
import { ApplyLookout } from "../../raft/node/apply/apply_lookout.ts";
import { LiveGeneration } from "../../raft/node/apply/live_generation.ts";
import { firstRoster } from "../../raft/node/members/roster.ts";
import type { Entry } from "../../raft/types.ts";
import { type Config, emptyConfig, type Gid } from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import {
  encodeConfigStep,
  encodeDrop,
  encodeFreeze,
  encodeInsert,
  encodeSettle,
  encodeWrites,
  type GroupReply,
  type StepOutcome,
} from "../machine/commands.ts";
import { stayRange, userKey } from "../machine/machine_keys.ts";
import { ShardMachine } from "../machine/machine.ts";
import { readChunk } from "../migration/shard_source.ts";

export const bytes = (text: string): Buffer => Buffer.from(text);

/** A command with everything that is not named left empty. */
export function write(command: Partial<WriteCommand>): WriteCommand {
  const empty = Buffer.alloc(0);
  return {
    sequence: 1,
    op: WriteOp.WRITE_OP_PUT,
    key: empty,
    value: empty,
    expected: empty,
    expectAbsent: false,
    deleteOnMatch: false,
    ...command,
  };
}

/** A payload with a batch of writes. */
export function writes(
  commands: readonly WriteCommand[],
  options: { clientId?: string; lowestUnanswered?: number; valueBytesMax?: number } = {},
): Uint8Array {
  const { clientId = "0", lowestUnanswered = 0, valueBytesMax = 1 << 20 } = options;
  const batch = WriteBatch.encode({ clientId, lowestUnanswered, commands: [...commands] }).finish();
  return encodeWrites(Buffer.from(batch), valueBytesMax);
}

/** The configuration after `before` in which each shard belongs to the given group. */
export function nextConfig(before: Config, shards: readonly Gid[]): Config {
  const lastOwners = new Map<number, Gid>();
  shards.forEach((gid, shard) => {
    const holder = before.shards[shard] || before.lastOwners.get(shard);
    if (gid === 0 && holder) lastOwners.set(shard, holder);
  });
  const serversOf = (gid: Gid): [Gid, string[]] => [gid, [`g${gid}n0`, `g${gid}n1`, `g${gid}n2`]];
  const present = [...new Set(shards.filter((gid) => gid !== 0))];
  const gone = [...new Set(lastOwners.values())].filter((gid) => !present.includes(gid));
  return {
    storeId: before.storeId,
    num: before.num + 1,
    shards,
    groups: new Map(present.map(serversOf)),
    lastOwners,
    departed: new Map(gone.map(serversOf)),
    identities: new Map(),
  };
}

/** Configurations 1, 2, ... from one list of owners each. */
export function configChain(...owners: readonly (readonly Gid[])[]): Config[] {
  let config = emptyConfig(owners[0]?.length ?? 1);
  return owners.map((shards) => config = nextConfig(config, shards));
}

/** The step that takes a chunk in. */
export function insertOf(
  configNum: number,
  shard: number,
  cursorBefore: Uint8Array,
  { records, cursor, done }: PullShardResponse,
): InsertChunk {
  const cursors = { cursorBefore: Buffer.from(cursorBefore), cursorAfter: cursor };
  return { configNum, shard, ...cursors, records, done };
}

/** A key of the given shard. */
export function keyIn(shard: number, shards: number, salt = 0): string {
  for (let i = 0;; i++) {
    const key = `key-${salt}-${i}`;
    if (shardOf(bytes(key), shards) === shard) return key;
  }
}

/** Payloads that are being applied. */
interface Batch {
  /** Index of the last entry. */
  readonly last: number;
  readonly replies: GroupReply[];
  readonly end: PromiseWithResolvers<void>;
}

export class MachineHarness {
  readonly gid: Gid;
  readonly engine = new MemoryEngine();
  readonly reader = new LiveGeneration(this.engine, 1);
  machine: ShardMachine;
  timeMs = 1_000;
  #index = 0;
  /** One for all batches, as in a node: it remembers what earlier ones have learned. */
  #applier: Applier;
  /** In the order of their entries. */
  #batches: Batch[] = [];

  constructor(gid: Gid) {
    this.gid = gid;
    this.machine = new ShardMachine(gid);
    this.#applier = this.#newApplier();
  }

  /** Applies the payloads as one batch of entries and returns their replies. */
  async apply(...payloads: readonly Uint8Array[]): Promise<GroupReply[]> {
    const entries = payloads.map((payload) => this.#entry(payload));
    const batch = { last: this.#index, replies: [], end: Promise.withResolvers<void>() };
    this.#batches.push(batch);
    this.#applier.enqueue(entries);
    await batch.end.promise;
    return batch.replies;
  }

  #newApplier(): Applier {
    return new Applier({
      secret: "1",
      identity: { clusterId: "1", gid: this.gid, nodeId: 1 },
      engine: this.engine,
      machine: this.machine,
      generation: this.reader,
      roster: firstRoster(new Map([[1, "one:1"]])),
      lookout: new ApplyLookout(this.#index),
      onMembers: () => {},
      isAwaited: () => true,
      onReplies: (entries) => {
        for (const { index, replies } of entries) {
          const batch = this.#batches.find(({ last }) => index <= last);
          batch?.replies.push(...replies as GroupReply[]);
        }
      },
      onApplied: (index) => {
        while (this.#batches[0] !== undefined && this.#batches[0].last <= index) {
          this.#batches.shift()?.end.resolve();
        }
      },
      onFatal: (error) => this.#batches.forEach(({ end }) => end.reject(error)),
    });
  }

  #entry(payload: Uint8Array): Entry {
    const proposals = [Buffer.from(payload)];
    const data = raftpb.EntryPayload.encode({ timeMs: this.timeMs, proposals }).finish();
    return { index: ++this.#index, term: 1, kind: "normal", data: Buffer.from(data) };
  }

  /** Applies a batch of writes and returns the result codes' numbers. */
  async write(
    commands: readonly WriteCommand[],
    options: Parameters<typeof writes>[1] = {},
  ): Promise<number[]> {
    const [reply] = await this.apply(writes(commands, options));
    assert(reply?.kind === "writes");
    return reply.results.map((result) => result.code);
  }

  async step(payload: Uint8Array): Promise<StepOutcome> {
    const [reply] = await this.apply(payload);
    assert(reply?.kind === "step", `Expected a step, got ${JSON.stringify(reply)}`);
    return reply.outcome;
  }

  config(config: Config): Promise<StepOutcome> {
    return this.step(encodeConfigStep(config));
  }

  insert(chunk: InsertChunk): Promise<StepOutcome> {
    return this.step(encodeInsert(chunk));
  }

  freeze(configNum: number, shard: number): Promise<StepOutcome> {
    return this.step(encodeFreeze({ configNum, shard }));
  }

  drop(configNum: number, shard: number): Promise<StepOutcome> {
    return this.step(encodeDrop({ configNum, shard }));
  }

  settle(configNum: number, shard: number): Promise<StepOutcome> {
    return this.step(encodeSettle({ configNum, shard }));
  }

  /** Forgets everything in memory and loads it again. */
  async restart(): Promise<void> {
    this.machine = new ShardMachine(this.gid);
    await this.machine.load(this.reader);
    this.#applier = this.#newApplier();
  }

  /** The value of a key in the stay its shard is in. */
  raw(key: string): Promise<Buffer | undefined> {
    const { config, shards } = this.machine.ownership;
    const held = shards.get(shardOf(bytes(key), config.shards.length));
    if (held === undefined) return Promise.resolve(undefined);
    return this.reader.get(userKey(held, bytes(key)));
  }

  /** As {@linkcode raw}, as text. */
  async value(key: string): Promise<string | undefined> {
    return (await this.raw(key))?.toString();
  }

  /** Statuses of the shards that are here. */
  statuses(): Record<number, string> {
    return Object.fromEntries(this.machine.figures().map(({ shard, status }) => [shard, status]));
  }

  /** Every record of a shard (sessions too), as a source gives them away. */
  async records(shard: number): Promise<{ key: Buffer; value: Buffer }[]> {
    const held = this.machine.ownership.shards.get(shard);
    assert(held !== undefined);
    const { start, end } = stayRange(held);
    const pairs = await this.reader.scan(start, end);
    return pairs.map(({ key, value }) => ({ key: key.subarray(7), value }));
  }

  /** What follows the cursor of a shard that is given away, as this replica tells its next owner. */
  chunkAfter(
    configNum: number,
    shard: number,
    cursor: Uint8Array,
    bytesMax: number,
  ): Promise<PullShardResponse> {
    const log = { reader: this.reader, readBarrier: () => Promise.resolve() };
    const context = { machine: this.machine, log };
    return readChunk(context, { configNum, shard, cursor: Buffer.from(cursor), bytesMax });
  }

  async close(): Promise<void> {
    await this.engine.close();
  }
}
