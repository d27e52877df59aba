import { assert, assertEquals, assertRejects } from "@std/assert";
import { ResultCode, WriteOp } from "../../proto/gen/shardkv.ts";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { KvError } from "../../rpc/errors.ts";
import {
  GENERATION_PREFIX_BYTES,
  generationPrefix,
  generationRange,
} from "../../storage/key_space.ts";
import {
  CHUNK_BYTES_MAX,
  CHUNK_CHANGED_MAX,
  CHUNK_CHANGES_MAX,
  CHUNK_RECORDS_MAX,
} from "../limits.ts";
import { changeCursor, changeNumberOf } from "../machine/machine_keys.ts";
import type { Ownership } from "../machine/ownership.ts";
import {
  bytes,
  configChain,
  insertOf,
  keyIn,
  MachineHarness,
  write,
  writes,
} from "../testing/machine_harness.ts";
import { FakeLog } from "../testing/service_harness.ts";
import { dropShard, freezeShard, readChunk } from "./shard_source.ts";

const { RESULT_OK: OK, RESULT_WRONG_GROUP: WRONG_GROUP } = ResultCode;
const KEY = keyIn(1, 2);
const put = (value: string, key = KEY) => write({ key: bytes(key), value: bytes(value) });

/** Group 100, which gives shard 1 to group 200 in configuration 2. */
async function source(): Promise<MachineHarness> {
  const group = new MachineHarness(100);
  const [one, two] = configChain([100, 100], [100, 200]);
  assert(one !== undefined && two !== undefined);
  await group.config(one);
  await group.write([put("before")]);
  await group.config(two);
  return group;
}

/** Reads changes while something happens between two of its reads. */
function readWhile(
  group: MachineHarness,
  happens: () => Promise<unknown>,
  machine = group.machine,
) {
  const reader: MachineReader = Object.create(group.reader, {
    generation: { get: () => group.reader.generation },
    scan: {
      value: async (...args: Parameters<MachineReader["scan"]>) => {
        const pairs = await group.reader.scan(...args);
        await happens();
        return pairs;
      },
    },
    getMany: { value: (keys: Buffer[]) => group.reader.getMany(keys) },
  });
  const log = { reader, readBarrier: () => Promise.resolve() };
  const request = { configNum: 2, shard: 1, cursor: changeCursor(0), bytesMax: 1_000 };
  return readChunk({ machine, log }, request);
}

Deno.test("readChunk() gives what was written since the configuration, once it has given the rest", async () => {
  const group = await source();
  const copy = await group.chunkAfter(2, 1, Buffer.alloc(0), 1_000);
  assertEquals(copy.records.map(({ value }) => `${value}`), ["before"]);
  assertEquals([copy.cursor, copy.ended, copy.done], [changeCursor(0), true, false]);
  await group.write([put("1"), put("2"), put("other", keyIn(1, 2, 1))]);
  await group.write([write({ op: WriteOp.WRITE_OP_DELETE, key: bytes(KEY) })]);
  const changes = await group.chunkAfter(2, 1, copy.cursor, 1_000);
  const told = changes.records.map(({ value, deleted }) => [`${value}`, deleted]);
  assertEquals(told, [["", true], ["other", false]], "each once, as it is now");
  assertEquals([changes.cursor, changes.changes, changes.ended, changes.done], [
    changeCursor(4),
    4,
    true,
    false,
  ]);
  await group.freeze(2, 1);
  assertEquals(await group.write([put("late")]), [WRONG_GROUP]);
  const end = await group.chunkAfter(2, 1, changes.cursor, 1_000);
  assertEquals([end.records, end.cursor, end.done], [[], changes.cursor, true]);
  await group.close();
});

Deno.test("readChunk() is not done with a shard that is frozen only while it reads", async () => {
  const group = await source();
  const chunk = await readWhile(group, async () => {
    assertEquals(await group.write([put("unseen")]), [OK]);
    await group.freeze(2, 1);
  });
  assertEquals([chunk.records, chunk.done], [[], false]);
  const next = await group.chunkAfter(2, 1, chunk.cursor, 1_000);
  assertEquals([next.records.map(({ value }) => `${value}`), next.done], [["unseen"], true]);
  await group.close();
});

Deno.test("readChunk() reads a value after the change that names it", async () => {
  const group = await source();
  await group.write([put("old")]);
  const chunk = await readWhile(group, () => group.write([put("new")]));
  assertEquals(chunk.records.map(({ value }) => `${value}`), ["new"]);
  await group.close();
});

Deno.test("readChunk() gives what was written again after it had read the value for an earlier change", async () => {
  const group = await source();
  // More than are read at once, so that the second change of the key is met by a later read.
  await group.write([put("old")]);
  for (let i = 1; i < 12; i++) await group.write([put("v", keyIn(1, 2, i))]);
  let scans = 0;
  const chunk = await readWhile(group, async () => {
    if (++scans === 2) await group.write([put("new")]);
  });
  await group.freeze(2, 1);
  const rest = await group.chunkAfter(2, 1, chunk.cursor, 1_000);
  assertEquals(rest.done, true);
  const told = [...chunk.records, ...rest.records].filter(({ key }) => `${key}` === `\x02${KEY}`);
  assertEquals(`${told.at(-1)?.value}`, "new");
  await group.close();
});

Deno.test("readChunk() gives nothing of a shard that was dropped while it read", async () => {
  const group = await source();
  const error = await assertRejects(
    () =>
      readWhile(group, async () => {
        await group.freeze(2, 1);
        await group.drop(2, 1);
      }),
    KvError,
  );
  assertEquals(error.code, "REFUSED");
  await group.close();
});

Deno.test("readChunk() gives nothing of a shard that was gained anew while it read", async () => {
  const group = await source();
  // Nothing does that within one configuration today; a chunk must not hang on it.
  const { shards, ...rest } = group.machine.ownership;
  const anew = [...shards].map(([shard, held]) => [shard, { ...held, incarnation: 2 }] as const);
  let ownership: Ownership = group.machine.ownership;
  const machine = Object.create(group.machine, { ownership: { get: () => ownership } });
  const error = await assertRejects(
    () =>
      readWhile(group, () => {
        ownership = { ...rest, shards: new Map(anew) };
        return Promise.resolve();
      }, machine),
    KvError,
  );
  assertEquals(error.code, "REFUSED");
  await group.close();
});

/** The group's data as a snapshot brings it: the same, in another generation. */
async function installSnapshot({ engine, reader, machine }: MachineHarness): Promise<void> {
  const { start, end } = generationRange(reader.number);
  const pairs = await engine.scan({ start, end });
  const next = reader.number + 1;
  const writes = pairs.map(({ key, value }) => {
    const copy = Buffer.concat([generationPrefix(next), key.subarray(GENERATION_PREFIX_BYTES)]);
    return { type: "put", key: copy, value } as const;
  });
  await engine.write(writes, { sync: true });
  await reader.switchTo(next, (loader) => machine.load(loader));
}

Deno.test("readChunk() gives nothing of a shard that a snapshot has replaced while it read", async () => {
  const group = await source();
  await group.write([put("old")]);
  const error = await assertRejects(
    () => readWhile(group, () => installSnapshot(group)),
    KvError,
    "a snapshot has replaced them",
  );
  assertEquals(error.code, "NOT_READY");
  const chunk = await group.chunkAfter(2, 1, changeCursor(0), 1_000);
  assertEquals(chunk.records.map(({ value }) => `${value}`), ["old"], "the next call has it all");
  await group.close();
});

/** What is read at a replica that does not lead, and does not know whether it lacks anything. */
async function readBehind(group: MachineHarness, cursor: Buffer) {
  const behind = new KvError("NOT_LEADER", "Cannot read here");
  const barriers: (string | undefined)[] = [];
  const readBarrier = (where?: string) => {
    barriers.push(where);
    return Promise.reject(behind);
  };
  const log = { reader: group.reader, readBarrier };
  const request = { configNum: 2, shard: 1, cursor, bytesMax: 1_000 };
  try {
    const { records } = await readChunk({ machine: group.machine, log }, request);
    return { barriers, records: records.map(({ value }) => `${value}`) };
  } catch (error) {
    assertEquals(error, behind);
    return { barriers, records: undefined };
  }
}

Deno.test("readChunk() gives changes of a shard that is served only where all of them are known", async () => {
  const group = await source();
  await group.write([put("new")]);
  const changes = changeCursor(0);
  assertEquals(await readBehind(group, changes), { barriers: ["onLeader"], records: undefined });
  // What changes later is in the change log, and what is frozen does not change.
  assertEquals(await readBehind(group, Buffer.alloc(0)), { barriers: [], records: ["new"] });
  await group.freeze(2, 1);
  assertEquals(await readBehind(group, changes), { barriers: [], records: ["new"] });
  await group.close();
});

Deno.test("readChunk() ends a chunk of few records after so many changes", async () => {
  const group = await source();
  const batch = writes(new Array(1_000).fill(put("hot")));
  for (let i = 0; i * 1_000 < CHUNK_CHANGES_MAX + 5_000; i++) await group.apply(batch);
  const chunk = await group.chunkAfter(2, 1, changeCursor(0), 1 << 20);
  assertEquals(chunk.ended, false);
  assert(chunk.records.length < 100, `${chunk.records.length} records for one key`);
  assert(changeNumberOf(chunk.cursor) >= CHUNK_CHANGES_MAX);
  const rest = await group.chunkAfter(2, 1, chunk.cursor, 1 << 20);
  assertEquals(rest.ended, true);
  assertEquals(changeNumberOf(rest.cursor), rest.changes);
  await group.close();
});

/** What the source gives in one chunk after the other, up to the end of records or changes. */
async function chunksOf(group: MachineHarness, cursor: Buffer, bytesMax: number) {
  const chunks: { records: number; bytes: number; done: boolean }[] = [];
  let next = cursor;
  for (let ended = false; !ended;) {
    const chunk = await group.chunkAfter(2, 1, next, bytesMax);
    const bytes = chunk.records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    chunks.push({ records: chunk.records.length, bytes, done: chunk.done });
    ({ cursor: next, ended } = chunk);
  }
  return chunks;
}

Deno.test("readChunk() gives no more at once than it may, whatever is asked for, and something each time", async () => {
  const group = await source();
  const value = "x".repeat(CHUNK_BYTES_MAX / 4);
  for (let i = 0; i < 6; i++) await group.write([put(value, keyIn(1, 2, i))]);
  for (const start of [Buffer.alloc(0), changeCursor(0)]) {
    const generous = await chunksOf(group, start, 2 ** 31);
    assertEquals(generous.reduce((sum, { records }) => sum + records, 0), 6);
    assert(generous.every(({ bytes }) => bytes > 0 && bytes <= CHUNK_BYTES_MAX));
    for (const bytesMax of [0, 1, value.length]) {
      const chunks = (await chunksOf(group, start, bytesMax)).filter(({ records }) => records > 0);
      assertEquals(chunks.map(({ records }) => records), [1, 1, 1, 1, 1, 1]);
    }
  }
  await group.close();
});

Deno.test("readChunk() gives no more tiny records at once than can be taken in at once, of changes fewer", async () => {
  const group = await source();
  const keys = Array.from({ length: CHUNK_RECORDS_MAX + 100 }, (_, i) => `{${KEY}}${i}`);
  for (let at = 0; at < keys.length; at += 1_000) {
    await group.write(keys.slice(at, at + 1_000).map((key) => put("", key)));
  }
  const sizesAfter = async (cursor: Buffer) =>
    (await chunksOf(group, cursor, CHUNK_BYTES_MAX)).map(({ records }) => records);
  assertEquals(await sizesAfter(Buffer.alloc(0)), [CHUNK_RECORDS_MAX, 101]);
  const changes = await sizesAfter(changeCursor(0));
  assertEquals(changes.reduce((sum, records) => sum + records), keys.length);
  assertEquals(Math.max(...changes), CHUNK_CHANGED_MAX);
  await group.close();
});

/** Notes how many bytes of values each read brings. */
function bytesRead(engine: MachineHarness["engine"]): number[] {
  const reads: number[] = [];
  const note = (values: readonly (Buffer | undefined)[]) => {
    reads.push(values.reduce((sum, value) => sum + (value?.length ?? 0), 0));
  };
  const scan = engine.scan.bind(engine);
  engine.scan = async (...args) => {
    const pairs = await scan(...args);
    note(pairs.map(({ value }) => value));
    return pairs;
  };
  const getMany = engine.getMany.bind(engine);
  engine.getMany = async (keys) => {
    const values = await getMany(keys);
    note(values);
    return values;
  };
  return reads;
}

Deno.test("readChunk() reads few large records at a time, however small those before them were", async () => {
  const group = await source();
  const named = (kind: string) => Array.from({ length: 600 }, (_, i) => `{${KEY}}${kind}${i}`);
  await group.write(named("a").map((key) => put("", key)));
  const large = named("b").map((key) => put("x".repeat(8 << 10), key));
  for (let at = 0; at < 600; at += 100) await group.write(large.slice(at, at + 100));
  const reads = bytesRead(group.engine);
  for (const start of [Buffer.alloc(0), changeCursor(0)]) {
    await group.chunkAfter(2, 1, start, CHUNK_BYTES_MAX);
    const most = Math.max(...reads.splice(0));
    assert(most <= CHUNK_BYTES_MAX, `${most} bytes at once`);
  }
  await group.close();
});

Deno.test("readChunk() gives a record once, as it is now, however far apart changes name it", async () => {
  const group = await source();
  const expected = new Map<string, string>();
  for (let i = 0; i < 400; i++) {
    // An old one after each new one: named in an earlier slice of the same read, or in an earlier read.
    const puts = [i, i * 7 % (i + 1)].map((number) => [`{${KEY}}${number}`, `value-${i}`] as const);
    await group.write(puts.map(([key, value]) => put(value, key)));
    for (const [key, value] of puts) expected.set(`\x02${key}`, value);
  }
  const chunk = await group.chunkAfter(2, 1, changeCursor(0), CHUNK_BYTES_MAX);
  assertEquals([chunk.ended, chunk.cursor], [true, changeCursor(800)]);
  const copy = new Map(chunk.records.map(({ key, value }) => [`${key}`, `${value}`]));
  assertEquals(copy, expected);
  assert(chunk.records.length < 600, `${chunk.records.length} records for 400`);
  await group.close();
});

Deno.test("readChunk() is done with a shard that is frozen only behind its last change", async () => {
  const group = await source();
  for (let i = 0; i < 5; i++) await group.write([put("v", keyIn(1, 2, i))]);
  await group.freeze(2, 1);
  for (const start of [Buffer.alloc(0), changeCursor(0)]) {
    const chunks = await chunksOf(group, start, 1);
    assert(chunks.length >= 5);
    const isCatchUp = start.length > 0;
    assertEquals(chunks.map(({ done }) => done), chunks.map((_, i) => isCatchUp && i >= 4));
  }
  await group.close();
});

Deno.test("dropShard() does not say that a shard is forgotten which is not", async () => {
  const group = await source();
  const context = { log: new FakeLog(group), machine: group.machine };
  const codeOf = async (configNum: number, shard: number) =>
    (await assertRejects(() => dropShard(context, { configNum, shard }), KvError)).code;
  assertEquals([await codeOf(2, 0), await codeOf(2, 1), await codeOf(3, 1)], [
    "REFUSED",
    "REFUSED",
    "NOT_READY",
  ]);
  assertEquals(group.statuses(), { 0: "Serving", 1: "Leaving" });
  await group.freeze(2, 1);
  await dropShard(context, { configNum: 2, shard: 1 });
  await dropShard(context, { configNum: 2, shard: 1 });
  assertEquals(group.statuses(), { 0: "Serving" });
  await group.close();
});

Deno.test("readChunk() refuses a cursor that is no place in a shard", async () => {
  const group = await source();
  const error = await assertRejects(() => group.chunkAfter(2, 1, bytes("\x03?"), 1), KvError);
  assertEquals(error.code, "INVALID_ARGUMENT");
  await group.close();
});

Deno.test("readChunk() gives nothing of a shard that is not given away, or not in that configuration", async () => {
  const group = await source();
  const codeOf = async (configNum: number, shard: number) =>
    (await assertRejects(() => group.chunkAfter(configNum, shard, Buffer.alloc(0), 1), KvError))
      .code;
  assertEquals(await codeOf(2, 0), "REFUSED", "it is the group's own");
  assertEquals(await codeOf(1, 1), "REFUSED", "that configuration is over");
  assertEquals(await codeOf(3, 1), "NOT_READY", "that one is still to come");
  await group.close();
});

Deno.test("freezeShard() does not say that a shard is frozen which is not", async () => {
  const group = await source();
  const context = { log: new FakeLog(group), machine: group.machine };
  const codeOf = async (configNum: number, shard: number) =>
    (await assertRejects(() => freezeShard(context, { configNum, shard }), KvError)).code;
  assertEquals([await codeOf(2, 0), await codeOf(3, 1)], ["REFUSED", "NOT_READY"]);
  await freezeShard(context, { configNum: 2, shard: 1 });
  await freezeShard(context, { configNum: 2, shard: 1 });
  assertEquals(group.statuses(), { 0: "Serving", 1: "BePulling" });
  await group.close();
});

Deno.test("a shard that nobody served is given away as it is, without a freeze", async () => {
  const [a, b] = [new MachineHarness(100), new MachineHarness(200)];
  const chain = configChain([100, 100], [0, 0], [200, 200]);
  for (const config of chain) await b.config(config);
  for (const config of chain.slice(0, 2)) await a.config(config);
  assert(chain[2] !== undefined);
  await a.config(chain[2]);
  assertEquals(a.statuses(), { 0: "BePulling", 1: "BePulling" });
  const records = await a.chunkAfter(3, 1, Buffer.alloc(0), 1_000);
  assertEquals(await b.insert(insertOf(3, 1, Buffer.alloc(0), records)), "done");
  const end = await a.chunkAfter(3, 1, records.cursor, 1_000);
  assertEquals(end.done, true);
  assertEquals(await b.insert(insertOf(3, 1, records.cursor, end)), "done");
  assertEquals(b.statuses()[1], "GCing");
  await a.close();
  await b.close();
});

Deno.test("applyFreeze() is fenced by the configuration and may be repeated", async () => {
  const group = await source();
  assertEquals(await group.freeze(1, 1), "already");
  assertEquals(await group.freeze(3, 1), "notReady");
  assertEquals(await group.freeze(2, 0), "refused", "it is not given away");
  assertEquals(group.statuses(), { 0: "Serving", 1: "Leaving" });
  assertEquals(await group.freeze(2, 1), "done");
  await group.restart();
  assertEquals(group.statuses()[1], "BePulling");
  assertEquals(await group.freeze(2, 1), "already");
  await group.drop(2, 1);
  assertEquals(await group.freeze(2, 1), "already");
  await group.close();
});
