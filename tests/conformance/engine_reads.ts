/** Conformance: reading single keys, ranges and iterators. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineClosedError } from "../../storage/engine.ts";
import { MARK_REGION } from "../../storage/key_space.ts";
import {
  collect,
  del,
  type EngineTest,
  EVERYTHING,
  keysOf,
  put,
  range,
  UNSYNCED,
} from "./engine_fixture.ts";

/** Reading single keys. */
export function testPoints(test: EngineTest): void {
  test("get() finds what was put and nothing else", async (engine) => {
    await engine.write([put("a", "1")], UNSYNCED);
    assertEquals(await engine.get(Buffer.from("a")), Buffer.from("1"));
    assertEquals(await engine.get(Buffer.from("b")), undefined);
    assertEquals(await engine.get(Buffer.from("aa")), undefined);
  });

  test("get() returns Buffers", async (engine) => {
    await engine.write([put("a", "1")], UNSYNCED);
    assert(Buffer.isBuffer(await engine.get(Buffer.from("a"))));
  });

  test("get() tells an empty value from none", async (engine) => {
    await engine.write([put("a", "")], UNSYNCED);
    assertEquals(await engine.get(Buffer.from("a")), Buffer.alloc(0));
    assertEquals(await engine.getMany([Buffer.from("a"), Buffer.from("b")]), [
      Buffer.alloc(0),
      undefined,
    ]);
    assertEquals((await engine.scan(EVERYTHING))[0]?.value, Buffer.alloc(0));
  });

  test("takes plain Uint8Arrays, views included, byte for byte", async (engine) => {
    const memory = new Uint8Array([9, 1, 2, 3, 9, 4, 5, 9]);
    const key = memory.subarray(1, 4);
    await engine.write([{ type: "put", key, value: memory.subarray(5, 7) }], UNSYNCED);
    assertEquals(await engine.get(Buffer.of(1, 2, 3)), Buffer.of(4, 5));
    assertEquals(await engine.get(key), Buffer.of(4, 5));
    assertEquals(await engine.getMany([key]), [Buffer.of(4, 5)]);
    const found = await engine.scan({ start: key, end: new Uint8Array([1, 2, 4]) });
    assertEquals(found, [{ key: Buffer.of(1, 2, 3), value: Buffer.of(4, 5) }]);
    await engine.write([{ type: "del", key }], UNSYNCED);
    assertEquals(await engine.get(key), undefined);
  });

  test("keeps binary keys and values with every byte", async (engine) => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await engine.write([put(bytes, bytes)], UNSYNCED);
    assertEquals(await engine.get(bytes), bytes);
  });

  test("keeps a value of 1 MiB", async (engine) => {
    const value = Buffer.alloc(1024 * 1024, "0123456789abcdef!");
    await engine.write([put("big", value)], { sync: true });
    const found = await engine.get(Buffer.from("big"));
    assert(found?.equals(value));
  });

  test("keeps its own copy of what is written, and gives copies away", async (engine) => {
    const write = put("a", "1");
    await engine.write([write], UNSYNCED);
    if (write.type === "put") write.value[0] = 0;
    write.key[0] = 0;
    const first = await engine.get(Buffer.from("a"));
    assertEquals(first, Buffer.from("1"));
    if (first) first[0] = 0;
    assertEquals(await engine.get(Buffer.from("a")), Buffer.from("1"));
  });
}

/** Reading many keys, and keys nobody may use. */
export function testGetMany(test: EngineTest): void {
  test("getMany() answers in the order of the keys, repeated ones too", async (engine) => {
    await engine.write([put("a", "1"), put("b", "2"), put("c", "3")], UNSYNCED);
    const keys = ["c", "x", "a", "c", "b"].map((key) => Buffer.from(key));
    const found = await engine.getMany(keys);
    assertEquals(found.map((value) => value && String(value)), ["3", undefined, "1", "3", "2"]);
    assertEquals(await engine.getMany([]), []);
  });

  test("getMany() answers many keys in order", async (engine) => {
    const keys = Array.from({ length: 1_001 }, (_, i) => Buffer.from(`key ${i}`));
    await engine.write(keys.filter((_, i) => i % 3 !== 0).map((key) => put(key, key)), UNSYNCED);
    const expected = keys.map((key, i) => i % 3 !== 0 ? key : undefined);
    assertEquals(await engine.getMany(keys), expected);
  });

  test("refuses empty keys and keys of the engines' own region", async (engine) => {
    const none = Buffer.alloc(0);
    await assertRejects(() => engine.get(none), RangeError, "Cannot use an empty key");
    await assertRejects(() => engine.getMany([Buffer.from("a"), none]), RangeError);
    await assertRejects(() => engine.write([put("a", "1"), put(none, "1")], UNSYNCED), RangeError);
    await assertRejects(() => engine.write([del(none)], UNSYNCED), RangeError);
    await assertRejects(
      () => engine.write([put(Buffer.of(MARK_REGION), "")], UNSYNCED),
      RangeError,
    );
    for (const prefix of [none, Buffer.of(MARK_REGION)]) {
      await assertRejects(() => engine.write([{ ...put("a", ""), prefix }], UNSYNCED), RangeError);
      await assertRejects(() => engine.write([{ ...del("a"), prefix }], UNSYNCED), RangeError);
    }
    assertEquals(await engine.scan(EVERYTHING), [], "A refused batch left something behind");
  });
}

/** Reading ranges in one go. */
export function testRanges(test: EngineTest): void {
  test("scan() goes from start to before end in byte order", async (engine) => {
    await engine.write(["b", "a", "aa", "c", "B"].map((key) => put(key, key)), UNSYNCED);
    assertEquals(keysOf(await engine.scan(EVERYTHING)), "B a aa b c");
    assertEquals(keysOf(await engine.scan(range("a", "b"))), "a aa");
    assertEquals(keysOf(await engine.scan(range("a\0", "b\0"))), "aa b");
    assertEquals(keysOf(await engine.scan(range("d", "e"))), "");
  });

  test("scan() finds nothing in an empty or inverted range", async (engine) => {
    await engine.write([put("a", "1"), put("b", "2")], UNSYNCED);
    assertEquals(await engine.scan(range("a", "a")), []);
    assertEquals(await engine.scan(range("b", "a")), []);
    assertEquals(await engine.scan({ start: Buffer.of(0), end: Buffer.alloc(0) }), []);
    assertEquals(await collect(engine, range("b", "a"), 10), []);
  });

  test("scan() takes bytes as unsigned up to 0xff", async (engine) => {
    const keys = [[0x7e], [0x80], [0xfe, 0xff], [0xff], [0xff, 0x00], [0xff, 0xff], [
      0xff,
      0xff,
      0,
    ]];
    await engine.write(keys.map((key) => put(Buffer.from(key), "")).reverse(), UNSYNCED);
    const found = await engine.scan(EVERYTHING);
    assertEquals(found.map(({ key }) => [...key]), keys);
    const edge = await engine.scan({ start: Buffer.of(0xff), end: Buffer.of(0xff, 0xff) });
    assertEquals(edge.map(({ key }) => [...key]), [[0xff], [0xff, 0x00]]);
  });

  test("scan() stops at the limit", async (engine) => {
    await engine.write([..."abcdef"].map((key) => put(key, key)), UNSYNCED);
    assertEquals(keysOf(await engine.scan(range("b", "f"), { limit: 2 })), "b c");
    assertEquals(keysOf(await engine.scan(range("b", "f"), { limit: 0 })), "");
    assertEquals(keysOf(await engine.scan(range("b", "f"), { limit: 100 })), "b c d e");
  });

  test("scan() runs backwards from the last key", async (engine) => {
    await engine.write([..."abcdef"].map((key) => put(key, key)), UNSYNCED);
    assertEquals(keysOf(await engine.scan(range("b", "e"), { reverse: true })), "d c b");
    assertEquals(keysOf(await engine.scan(range("b", "e"), { reverse: true, limit: 1 })), "d");
    assertEquals(keysOf(await engine.scan(range("b", "zz"), { reverse: true, limit: 2 })), "f e");
    assertEquals(keysOf(await engine.scan(range("g", "zz"), { reverse: true })), "");
    assertEquals(keysOf(await engine.scan(range("A", "a"), { reverse: true })), "");
  });
}

/** Reading ranges page by page. */
export function testIterators(test: EngineTest): void {
  test("iterate() yields pages in order, and nothing after the end", async (engine) => {
    const keys = Array.from({ length: 2_500 }, (_, i) => String(i).padStart(5, "0"));
    await engine.write(keys.map((key) => put(key, key)), UNSYNCED);
    for (const limit of [1, 7, 1_000, 5_000]) {
      const pairs = await collect(engine, range("00010", "02400"), limit);
      assertEquals(keysOf(pairs), keys.slice(10, 2_400).join(" "));
    }
    const iterator = engine.iterate(range("00000", "00001"));
    assertEquals((await iterator.next(10)).length, 1);
    assertEquals(await iterator.next(10), []);
    assertEquals(await iterator.next(10), []);
    await iterator.close();
  });

  test("iterate() keeps its view while others write", async (engine) => {
    const keys = Array.from({ length: 600 }, (_, i) => `k${String(i).padStart(4, "0")}`);
    await engine.write(keys.map((key) => put(key, "old")), UNSYNCED);
    const iterator = engine.iterate(range("k", "l"));
    const seen = await iterator.next(5);
    await engine.write([...keys.map((key) => put(key, "new")), put("k0000a", "new")], UNSYNCED);
    await engine.clearRange(range("k0100", "k0200"));
    while (true) {
      const more = await iterator.next(100);
      if (more.length === 0) break;
      seen.push(...more);
    }
    await iterator.close();
    assertEquals(keysOf(seen), keys.join(" "));
    assert(seen.every(({ value }) => String(value) === "old"));
  });

  test("iterate() sees nothing that was written after it was opened", async (engine) => {
    await engine.write([put("a", "1")], UNSYNCED);
    const iterator = engine.iterate(EVERYTHING);
    await engine.write([put("b", "2"), del("a")], UNSYNCED);
    assertEquals(keysOf(await iterator.next(10)), "a");
    await iterator.close();
  });

  test("iterate() may be closed early, twice, and then is of no use", async (engine) => {
    await engine.write([put("a", "1"), put("b", "2")], UNSYNCED);
    const iterator = engine.iterate(EVERYTHING);
    await iterator.next(1);
    await iterator.close();
    await iterator.close();
    await assertRejects(() => iterator.next(1), EngineClosedError);
  });
}
