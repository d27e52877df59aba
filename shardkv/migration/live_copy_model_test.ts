/** A shard is copied while it is written, from replicas that lag, by leaders that repeat themselves. */
import { assert, assertEquals } from "@std/assert";
import { type PullShardResponse, WriteOp } from "../../proto/gen/shardkv.ts";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import type { Config } from "../../shardctrler/configuration/config.ts";
import { encodeConfigStep, encodeFreeze, encodeInsert } from "../machine/commands.ts";
import { isChangeCursor, SESSION_KIND, USER_KIND } from "../machine/machine_keys.ts";
import {
  bytes,
  configChain,
  insertOf,
  keyIn,
  MachineHarness,
  write,
  writes,
} from "../testing/machine_harness.ts";
import { readChunk } from "./shard_source.ts";

const SHARDS = 2;
const SHARD = 1;
const CONFIG = 2;
const CLIENTS = 3;
const SEEDS = 60;
const STEPS_MAX = 2_000;
const OPERATIONS = [
  WriteOp.WRITE_OP_PUT,
  WriteOp.WRITE_OP_PUT,
  WriteOp.WRITE_OP_APPEND,
  WriteOp.WRITE_OP_DELETE,
  WriteOp.WRITE_OP_CAS,
];

/** A group whose replicas apply the same log, each in batches of its own and as late as it likes. */
class Group {
  readonly replicas: MachineHarness[];
  readonly #log: Uint8Array[] = [];
  readonly #applied: number[];
  readonly #prng: Prng;

  constructor(gid: number, size: number, prng: Prng) {
    this.replicas = Array.from({ length: size }, () => new MachineHarness(gid));
    this.#applied = this.replicas.map(() => 0);
    this.#prng = prng;
  }

  propose(payload: Uint8Array): void {
    this.#log.push(payload);
  }

  /** Lets a replica apply the next entries, all that there are or some. */
  async advance(position: number, all: boolean): Promise<void> {
    const from = this.#applied[position] ?? 0;
    const left = this.#log.length - from;
    const count = all ? left : this.#prng.below(left + 1);
    if (count > 0) await this.replica(position).apply(...this.#log.slice(from, from + count));
    this.#applied[position] = from + count;
  }

  replica(position: number): MachineHarness {
    const replica = this.replicas[position];
    assert(replica !== undefined);
    return replica;
  }

  async close(): Promise<void> {
    for (const replica of this.replicas) await replica.close();
  }
}

/** One move under random writes. */
class Move {
  readonly source: Group;
  readonly gainer: Group;
  readonly #prng: Prng;
  readonly #keys = Array.from({ length: 12 }, (_, i) => keyIn(SHARD, SHARDS, i));
  readonly #sequences = new Array<number>(CLIENTS).fill(0);
  /** Chunks that came, for repetition. */
  readonly #inserted: Uint8Array[] = [];
  #wasFrozen = false;

  constructor(seed: number) {
    this.#prng = createPrng(seed);
    this.source = new Group(100, 3, this.#prng);
    this.gainer = new Group(200, 2, this.#prng);
  }

  async enter(config: Config | undefined): Promise<void> {
    assert(config !== undefined);
    for (const group of [this.source, this.gainer]) {
      group.propose(encodeConfigStep(config));
      for (const position of group.replicas.keys()) await group.advance(position, true);
    }
  }

  writeSome(count: number): void {
    for (let i = 0; i < count; i++) this.#write();
  }

  #write(): void {
    const prng = this.#prng;
    const client = prng.below(CLIENTS);
    const commands = Array.from({ length: 1 + prng.below(3) }, () => {
      const sequence = (this.#sequences[client] ?? 0) + 1;
      this.#sequences[client] = sequence;
      const key = bytes(this.#keys[prng.below(this.#keys.length)] ?? "");
      const op = OPERATIONS[prng.below(OPERATIONS.length)] ?? WriteOp.WRITE_OP_PUT;
      const value = bytes("v".repeat(prng.below(20)));
      return write({ op, key, value, sequence, expectAbsent: prng.below(2) === 0 });
    });
    const lowestUnanswered = prng.below(this.#sequences[client] ?? 1);
    const payload = writes(commands, { clientId: `${client}`, lowestUnanswered });
    this.source.propose(payload);
    // Sent again, because its answer was lost.
    if (prng.below(4) === 0) this.source.propose(payload);
  }

  freeze(): void {
    this.source.propose(encodeFreeze({ configNum: CONFIG, shard: SHARD }));
    this.#wasFrozen = true;
  }

  /** Pulls from any replica, and proposes what came; now and then it comes twice, or too late. */
  async pull(): Promise<PullShardResponse | undefined> {
    const prng = this.#prng;
    const leader = this.gainer.replica(0);
    const cursor = leader.machine.cursorOf(SHARD);
    if (cursor === undefined) return undefined;
    const position = prng.below(3);
    const bytesMax = 1 + prng.below(prng.below(2) === 0 ? 120 : 2_000);
    const request = { configNum: CONFIG, shard: SHARD, cursor: Buffer.from(cursor), bytesMax };
    const chunk = await readChunk(this.#readerOf(position), request);
    assert(!chunk.done || (this.#wasFrozen && isChangeCursor(cursor)));
    const insert = encodeInsert(insertOf(CONFIG, SHARD, cursor, chunk));
    this.gainer.propose(insert);
    this.#inserted.push(insert);
    if (prng.below(3) === 0) {
      this.gainer.propose(this.#inserted[prng.below(this.#inserted.length)] ?? insert);
    }
    await this.gainer.advance(0, true);
    return chunk;
  }

  /** The replica goes on applying between any two reads of a chunk. */
  #readerOf(position: number): Parameters<typeof readChunk>[0] {
    const { machine, reader } = this.source.replica(position);
    const meanwhile = async () => {
      if (this.#prng.below(2) === 0) this.writeSome(this.#prng.below(4));
      await this.source.advance(position, this.#prng.below(2) === 0);
    };
    const restless: MachineReader = Object.create(reader, {
      generation: { get: () => reader.generation },
      scan: {
        value: async (...args: Parameters<MachineReader["scan"]>) => {
          const pairs = await reader.scan(...args);
          await meanwhile();
          return pairs;
        },
      },
      getMany: {
        value: async (keys: Uint8Array[]) => {
          const values = await reader.getMany(keys);
          await meanwhile();
          return values;
        },
      },
    });
    const log = { reader: restless, readBarrier: () => Promise.resolve() };
    return { machine, log } as Parameters<typeof readChunk>[0];
  }

  async someTime(): Promise<void> {
    const { replicas } = this.source;
    for (const position of replicas.keys()) await this.source.advance(position, false);
    await this.gainer.advance(1, false);
    if (this.#prng.below(8) === 0) await replicas[this.#prng.below(3)]?.restart();
    if (this.#prng.below(8) === 0) await this.gainer.replica(0).restart();
  }
}

/** Without when a session was used last, which is a matter of each log. */
function comparable(records: readonly { key: Buffer; value: Buffer }[]): unknown[] {
  return records.map(({ key, value }) => {
    const isSession = key[0] === SESSION_KIND;
    return [key.toString("hex"), (isSession ? value.subarray(2) : value).toString("hex")];
  });
}

/** What a shard is said to hold. */
function sizeOf({ machine }: MachineHarness): { keys: number; bytes: number } {
  const { keys = 0, bytes = 0 } = machine.figuresOf(SHARD) ?? {};
  return { keys, bytes };
}

/** Everything the source keeps of the shard, its change log left out. */
async function keptRecords(source: MachineHarness): Promise<{ key: Buffer; value: Buffer }[]> {
  return (await source.records(SHARD)).filter(({ key }) => !isChangeCursor(key));
}

async function play(move: Move, prng: Prng): Promise<void> {
  const [one, two] = configChain([100, 100], [100, 200]);
  await move.enter(one);
  move.writeSome(prng.below(30));
  await move.enter(two);
  const freezeAfter = prng.below(40);
  for (let step = 0; step < STEPS_MAX; step++) {
    // Some come behind the freeze, and are refused.
    if (step < freezeAfter + 20) move.writeSome(prng.below(4));
    if (step === freezeAfter) move.freeze();
    await move.someTime();
    if (await move.pull() === undefined) return;
  }
  throw new Error(`The shard has not arrived after ${STEPS_MAX} steps`);
}

async function check({ source, gainer }: Move): Promise<void> {
  for (const position of source.replicas.keys()) await source.advance(position, true);
  await gainer.advance(1, true);
  const [kept, came] = [source.replica(0), gainer.replica(0)];
  assertEquals([kept.statuses()[SHARD], came.statuses()[SHARD]], ["BePulling", "GCing"]);
  const records = await keptRecords(kept);
  assertEquals(comparable(await came.records(SHARD)), comparable(records));
  const values = records.filter(({ key }) => key[0] === USER_KIND);
  const size = values.reduce((sum, { key, value }) => sum + key.length - 1 + value.length, 0);
  assertEquals(sizeOf(kept), { keys: values.length, bytes: size });
  assertEquals(sizeOf(came), sizeOf(kept));
  // The change log is the same on all replicas, however they batched what they applied.
  for (const replica of source.replicas) {
    assertEquals(await replica.records(SHARD), await kept.records(SHARD));
  }
  assertEquals(await gainer.replica(1).records(SHARD), await came.records(SHARD));
}

Deno.test("a shard that is copied while it is written arrives as it is in the end", async (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    await t.step(`seed ${seed}`, async () => {
      const move = new Move(seed);
      await play(move, createPrng(seed * 7 + 1));
      await check(move);
      await move.source.close();
      await move.gainer.close();
    });
  }
});
