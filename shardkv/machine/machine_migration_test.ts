import { assert, assertEquals } from "@std/assert";
import { type InsertChunk, ResultCode, WriteOp } from "../../proto/gen/shardkv.ts";
import type { Config } from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import { GarbageSweeper } from "../migration/garbage_sweeper.ts";
import {
  bytes,
  configChain,
  insertOf,
  keyIn,
  MachineHarness,
  write,
} from "../testing/machine_harness.ts";

const SHARDS = 4;
const { RESULT_OK: OK, RESULT_WRONG_GROUP: WRONG_GROUP, RESULT_NOT_READY: NOT_READY } = ResultCode;
const { RESULT_NO_KEY: NO_KEY } = ResultCode;
const append = (key: string, value: string, sequence: number) =>
  write({ op: WriteOp.WRITE_OP_APPEND, key: bytes(key), value: bytes(value), sequence });

/** Sees the gainer through a move, with chunks of at most `bytesMax`. */
async function pull(
  source: MachineHarness,
  gainer: MachineHarness,
  configNum: number,
  shard: number,
  bytesMax = 100,
): Promise<InsertChunk[]> {
  const chunks: InsertChunk[] = [];
  for (let done = false; !done;) {
    const cursor = gainer.machine.cursorOf(shard) ?? new Uint8Array();
    const chunk = await source.chunkAfter(configNum, shard, cursor, bytesMax);
    done = chunk.done;
    const step = insertOf(configNum, shard, cursor, chunk);
    chunks.push(step);
    assertEquals(await gainer.insert(step), "done");
    if (chunk.ended && !done) await source.freeze(configNum, shard);
  }
  return chunks;
}

/** The whole move of a shard, as two leaders do it. */
async function move(
  source: MachineHarness,
  gainer: MachineHarness,
  config: Config,
  shard: number,
): Promise<void> {
  await pull(source, gainer, config.num, shard);
  assertEquals(await source.drop(config.num, shard), "done");
  assertEquals(await gainer.settle(config.num, shard), "done");
}

function groups(
  ...owners: readonly (readonly number[])[]
): { a: MachineHarness; b: MachineHarness; configs: Config[]; close(): Promise<void> } {
  const a = new MachineHarness(100);
  const b = new MachineHarness(200);
  const close = async () => {
    await a.close();
    await b.close();
  };
  return { a, b, configs: configChain(...owners), close };
}

async function enter(config: Config | undefined, ...harnesses: MachineHarness[]): Promise<void> {
  assert(config !== undefined);
  for (const harness of harnesses) assertEquals(await harness.config(config), "done");
}

async function sweep(group: MachineHarness): Promise<void> {
  const sweeper = new GarbageSweeper({
    machine: group.machine,
    reader: group.reader,
    onFatal(error) {
      throw error;
    },
  });
  sweeper.wake();
  while (group.machine.ownership.garbage.length > 0) await Promise.resolve();
  await sweeper.stop();
}

Deno.test("applyConfig() takes the next configuration only, and each once", async () => {
  const { a, configs, close } = groups([100, 100, 100, 100], [100, 100, 100, 200]);
  const [one, two] = configs;
  assert(one !== undefined && two !== undefined);
  assertEquals(await a.config(two), "notReady");
  assertEquals(await a.config(one), "done");
  assertEquals(await a.config(one), "already");
  assertEquals(await a.config(two), "done");
  assertEquals(a.statuses(), { 0: "Serving", 1: "Serving", 2: "Serving", 3: "Leaving" });
  await close();
});

Deno.test("applyConfig() waits while a shard is on the move, in either group", async () => {
  const { a, b, configs, close } = groups(
    [100, 100, 100, 100],
    [100, 100, 200, 200],
    [100, 100, 100, 200],
  );
  const [one, two, three] = configs;
  assert(two !== undefined && three !== undefined);
  await enter(one, a, b);
  await enter(two, a, b);
  assertEquals([await a.config(three), await b.config(three)], ["notReady", "notReady"]);
  await move(a, b, two, 2);
  assertEquals([await a.config(three), await b.config(three)], ["notReady", "notReady"]);
  await pull(a, b, 2, 3);
  assertEquals(b.statuses(), { 2: "Serving", 3: "GCing" });
  assertEquals(await b.config(three), "notReady");
  await a.drop(2, 3);
  assertEquals(await a.config(three), "done");
  await b.settle(2, 3);
  assertEquals(await b.config(three), "done");
  await close();
});

Deno.test("applyConfig() refuses another number of shards", async () => {
  const { a, configs, close } = groups([100, 100]);
  await enter(configs[0], a);
  const [, other] = configChain([100], [100]);
  assert(other !== undefined);
  assertEquals(await a.config(other), "refused");
  await close();
});

Deno.test("a shard that moves takes every key and session along and leaves the others alone", async () => {
  const { a, b, configs, close } = groups([100, 100, 100, 100], [100, 200, 100, 100]);
  const [one, two] = configs;
  assert(two !== undefined);
  await enter(one, a, b);
  const model = new Map<string, string>();
  for (let i = 0; i < 200; i++) {
    const [key, value] = [`user:${i}`, `value ${i}`];
    model.set(key, value);
    const put = write({ key: bytes(key), value: bytes(value), sequence: i });
    await a.write([put], { clientId: `${1 + i % 7}` });
  }
  const before = a.machine.figures();
  const records = await a.records(1);
  await enter(two, a, b);
  const chunks = await pull(a, b, 2, 1);
  assert(chunks.length > 5, "many chunks");
  assertEquals(await b.records(1), records);
  await a.drop(2, 1);
  await b.settle(2, 1);
  assertEquals(a.machine.figures(), before.filter(({ shard }) => shard !== 1));
  assertEquals(b.machine.figures(), before.filter(({ shard }) => shard === 1));
  await sweep(a);
  const left = await a.reader.scan(Buffer.of(0x03), Buffer.of(0x05));
  assertEquals(left.filter(({ key }) => key.readUInt16BE(1) === 1), [], "the space is freed");
  for (const [key, value] of model) {
    const moved = shardOf(bytes(key), SHARDS) === 1;
    assertEquals(
      [await a.value(key), await b.value(key)],
      moved ? [undefined, value] : [value, undefined],
    );
  }
  await a.restart();
  await b.restart();
  assertEquals(a.machine.figures(), before.filter(({ shard }) => shard !== 1));
  assertEquals(b.machine.figures(), before.filter(({ shard }) => shard === 1));
  await close();
});

Deno.test("lengths remembered in one stay of a shard do not count in its next stay", async () => {
  const { a, b, configs, close } = groups([100], [200], [100], [200], [100]);
  const [one, two, three, four, five] = configs;
  assert(two !== undefined && three !== undefined && four !== undefined && five !== undefined);
  await enter(one, a, b);
  const put = (key: string, value: string) => write({ key: bytes(key), value: bytes(value) });
  const del = (key: string) => write({ op: WriteOp.WRITE_OP_DELETE, key: bytes(key) });
  const figures = (group: MachineHarness) =>
    group.machine.figures().map(({ keys, bytes }) => [keys, bytes]);
  await a.write([put("kept", "long value"), put("gone", "long value"), put("late", "x")]);
  await a.write([put("kept", "long value"), del("late")]);
  assertEquals(figures(a), [[2, 28]]);

  await enter(two, a, b);
  await move(a, b, two, 0);
  await b.write([put("kept", "xy"), del("gone"), put("new", "z")]);
  assertEquals(figures(b), [[2, 10]]);

  // Refused while the shard is away, and looked ahead for all the same.
  assertEquals(await a.write([put("kept", "refused"), del("new")]), [WRONG_GROUP, WRONG_GROUP]);
  await enter(three, a, b);
  assertEquals(await a.write([put("kept", "early"), del("new")]), [NOT_READY, NOT_READY]);
  await move(b, a, three, 0);
  // The first stay is not even cleared yet.
  assertEquals(await a.write([del("gone"), del("late")]), [NO_KEY, NO_KEY]);
  assertEquals(await a.write([put("kept", "abc"), del("new")]), [OK, OK]);
  assertEquals(figures(a), [[1, 7]]);
  await sweep(a);
  assertEquals(await a.write([put("kept", "abcd"), put("gone", "")]), [OK, OK]);
  assertEquals(figures(a), [[2, 12]]);

  await enter(four, a, b);
  await move(a, b, four, 0);
  await enter(five, a, b);
  await move(b, a, five, 0);
  assertEquals(await a.write([del("kept"), del("gone"), del("new")]), [OK, OK, NO_KEY]);
  assertEquals(figures(a), [[0, 0]]);
  await close();
});

Deno.test("what is written while a shard is copied counts once at its new owner", async () => {
  const { a, b, configs, close } = groups([100], [200]);
  const put = (key: string, value: string) => write({ key: bytes(key), value: bytes(value) });
  const del = (key: string) => write({ op: WriteOp.WRITE_OP_DELETE, key: bytes(key) });
  await enter(configs[0], a, b);
  await a.write([put("a", "1"), put("b", "22"), put("c", "333")]);
  await enter(configs[1], a, b);
  // Looked ahead for in the new stay before anything of it has come.
  assertEquals(await b.write([put("a", "x"), del("c")]), [NOT_READY, NOT_READY]);
  const take = async () => {
    const cursor = b.machine.cursorOf(0) ?? new Uint8Array();
    const chunk = await a.chunkAfter(2, 0, cursor, 1 << 20);
    assertEquals(await b.insert(insertOf(2, 0, cursor, chunk)), "done");
    return chunk;
  };
  await take();
  await a.write([put("a", "longer"), put("d", ""), del("c")]);
  await take();
  await a.write([put("c", "again"), del("a"), put("a", "7"), del("d")]);
  await a.freeze(2, 0);
  while (!(await take()).done);
  await a.drop(2, 0);
  await b.settle(2, 0);
  assertEquals(b.machine.figures().map(({ keys, bytes }) => [keys, bytes]), [[3, 11]]);
  assertEquals(await b.write([del("a"), del("b"), del("c"), del("d")]), [OK, OK, OK, NO_KEY]);
  assertEquals(b.machine.figures().map(({ keys, bytes }) => [keys, bytes]), [[0, 0]]);
  await close();
});

Deno.test("an append sent again after its shard has moved is not executed again", async () => {
  const { a, b, configs, close } = groups([100, 100, 100, 100], [200, 200, 200, 200]);
  const [one, two] = configs;
  assert(two !== undefined);
  await enter(one, a, b);
  const key = keyIn(2, SHARDS);
  const session = { clientId: "77", lowestUnanswered: 1 };
  assertEquals(await a.write([append(key, "x", 1), append(key, "y", 2)], session), [OK, OK]);
  await enter(two, a, b);
  assertEquals(await a.write([append(key, "x", 1)], session), [OK]);
  assertEquals(await b.write([append(key, "x", 1)], session), [NOT_READY]);
  for (const shard of [0, 1, 2, 3]) await move(a, b, two, shard);
  assertEquals(await b.write([append(key, "y", 2), append(key, "x", 1)], session), [OK, OK]);
  assertEquals(await b.value(key), "xy");
  assertEquals(await b.write([append(key, "z", 3)], session), [OK]);
  assertEquals(await b.value(key), "xyz");
  await close();
});

Deno.test("applyInsert() takes a chunk once and only where the copy ends", async () => {
  const { a, b, configs, close } = groups([100, 100, 100, 100], [200, 100, 100, 100]);
  const [one, two] = configs;
  await enter(one, a, b);
  for (let i = 0; i < 20; i++) {
    const put = write({ key: bytes(keyIn(0, SHARDS, i)), value: bytes(`${i}`) });
    await a.write([put]);
  }
  await enter(two, a, b);
  const first = await a.chunkAfter(2, 0, new Uint8Array(), 60);
  const chunk = insertOf(2, 0, new Uint8Array(), first);
  assertEquals(await b.insert({ ...chunk, configNum: 1 }), "already");
  assertEquals(await b.insert({ ...chunk, configNum: 3 }), "notReady");
  const nonsense = {
    ...chunk,
    records: [{ key: bytes("\x07k"), value: bytes("v"), deleted: false }],
  };
  assertEquals(await b.insert(nonsense), "refused");
  const damaged = { key: Buffer.alloc(9, 1), value: bytes("v"), deleted: false };
  assertEquals(await b.insert({ ...chunk, records: [damaged] }), "refused");
  assertEquals(await b.insert(chunk), "done");
  const figures = b.machine.figures();
  assertEquals(await b.insert(chunk), "already");
  assertEquals(b.machine.figures(), figures);
  await b.restart();
  assertEquals(Buffer.from(b.machine.cursorOf(0) ?? []), first.cursor);
  await pull(a, b, 2, 0, 60);
  assertEquals(await b.insert(chunk), "already");
  assertEquals(b.machine.figures().map(({ keys }) => keys), [20]);
  await close();
});

Deno.test("applyDrop() and applySettle() are fenced by the configuration and may be repeated", async () => {
  const { a, b, configs, close } = groups([100, 100, 100, 100], [100, 100, 100, 200]);
  const [one, two] = configs;
  await enter(one, a, b);
  await enter(two, a, b);
  assertEquals(await a.drop(3, 3), "notReady");
  assertEquals(await a.drop(1, 3), "already");
  assertEquals(await a.drop(2, 0), "refused");
  assertEquals(await a.drop(2, 3), "refused", "it is still served");
  assertEquals(a.statuses()[3], "Leaving");
  assertEquals(await b.settle(2, 3), "refused");
  await pull(a, b, 2, 3);
  assertEquals(await a.drop(2, 3), "done");
  assertEquals(await a.drop(2, 3), "already");
  assertEquals(await b.settle(2, 3), "done");
  assertEquals(await b.settle(2, 3), "already");
  assertEquals(a.statuses(), { 0: "Serving", 1: "Serving", 2: "Serving" });
  await close();
});

Deno.test("a shard that goes to nobody and comes back is as it was", async () => {
  const { a, configs, close } = groups([100, 100, 100, 100], [0, 0, 0, 0], [
    100,
    100,
    100,
    100,
  ]);
  const [one, two, three] = configs;
  await enter(one, a);
  const key = keyIn(1, SHARDS);
  const session = { clientId: "5", lowestUnanswered: 1 };
  await a.write([append(key, "x", 1)], session);
  await enter(two, a);
  assertEquals(new Set(Object.values(a.statuses())), new Set(["Frozen"]));
  assertEquals(await a.write([append(key, "x", 2)], session), [WRONG_GROUP]);
  await enter(three, a);
  assertEquals(await a.write([append(key, "x", 1), append(key, "y", 2)], session), [OK, OK]);
  assertEquals(await a.value(key), "xy");
  await close();
});

Deno.test("leave-all, join of another group, and the way back lose and resurrect nothing", async () => {
  const { a, b, configs, close } = groups(
    [100, 100, 100, 100],
    [0, 0, 0, 0],
    [200, 200, 200, 200],
    [100, 100, 100, 100],
  );
  const [one, two, three, four] = configs;
  assert(three !== undefined && four !== undefined);
  const keep = keyIn(0, SHARDS);
  const gone = keyIn(0, SHARDS, 1);
  await enter(one, a, b);
  await a.write([write({ key: bytes(keep), value: bytes("w1") })]);
  await a.write([write({ key: bytes(gone), value: bytes("w1") })]);
  await enter(two, a, b);
  await enter(three, a, b);
  for (const shard of [0, 1, 2, 3]) await move(a, b, three, shard);
  assertEquals(await b.value(keep), "w1");
  await b.write([write({ key: bytes(keep), value: bytes("w2") })]);
  await b.write([write({ op: WriteOp.WRITE_OP_DELETE, key: bytes(gone) })]);
  await enter(four, a, b);
  for (const shard of [0, 1, 2, 3]) await move(b, a, four, shard);
  assertEquals([await a.value(keep), await a.value(gone)], ["w2", undefined]);
  // The first stay of the shards is garbage now; clearing it touches nothing of the second.
  await sweep(a);
  assertEquals([await a.value(keep), await a.value(gone)], ["w2", undefined]);
  assertEquals(a.machine.figures().reduce((sum, { keys }) => sum + keys, 0), 1);
  await close();
});
