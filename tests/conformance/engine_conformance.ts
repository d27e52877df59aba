/** What every storage engine must do; each engine runs the same suite. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Engine,
  EngineClosedError,
  type KeyRange,
  type KeyValue,
  type Write,
} from "../../storage/engine.ts";
import { MARK_REGION } from "../../storage/key_space.ts";

/** An engine on fresh storage. */
export interface EngineFixture {
  readonly engine: Engine;
  /** Closes the present engine and opens another on the same storage. */
  reopen(): Promise<Engine>;
  /** Closes whatever is open and removes the storage. */
  dispose(): Promise<void>;
}

/** Everything but the engines' own region at the end of the byte 0x7f. */
const everything: KeyRange = { start: Buffer.of(0), end: Buffer.alloc(64, 0xff) };
const unsynced = { sync: false };

function put(key: Uint8Array | string, value: Uint8Array | string): Write {
  return { type: "put", key: Buffer.from(key), value: Buffer.from(value) };
}

function del(key: Uint8Array | string): Write {
  return { type: "del", key: Buffer.from(key) };
}

function range(start: string, end: string): KeyRange {
  return { start: Buffer.from(start), end: Buffer.from(end) };
}

function keysOf(pairs: readonly KeyValue[]): string {
  return pairs.map(({ key }) => String(key)).join(" ");
}

async function collect(engine: Engine, over: KeyRange, limit: number): Promise<KeyValue[]> {
  const iterator = engine.iterate(over);
  const pairs: KeyValue[] = [];
  while (true) {
    const more = await iterator.next(limit);
    assert(more.length <= limit);
    if (more.length === 0) break;
    pairs.push(...more);
  }
  await iterator.close();
  return pairs;
}

/**
 * Registers the tests of one engine.
 *
 * @param name The engine's, put before each test's name
 * @param open Makes an engine on fresh storage
 */
export function testEngineConformance(name: string, open: () => Promise<EngineFixture>): void {
  const test = (what: string, body: (engine: Engine, fixture: EngineFixture) => Promise<void>) => {
    Deno.test(`${name} ${what}`, async () => {
      const fixture = await open();
      try {
        await body(fixture.engine, fixture);
      } finally {
        await fixture.dispose();
      }
    });
  };
  testPoints(test);
  testRanges(test);
  testIterators(test);
  testWrites(test);
  testLifecycle(test);
  testModel(test);
}

type Test = (
  what: string,
  body: (engine: Engine, fixture: EngineFixture) => Promise<void>,
) => void;

function testPoints(test: Test): void {
  test("get() finds what was put and nothing else", async (engine) => {
    await engine.write([put("a", "1")], unsynced);
    assertEquals(await engine.get(Buffer.from("a")), Buffer.from("1"));
    assertEquals(await engine.get(Buffer.from("b")), undefined);
    assertEquals(await engine.get(Buffer.from("aa")), undefined);
  });

  test("get() returns Buffers", async (engine) => {
    await engine.write([put("a", "1")], unsynced);
    assert(Buffer.isBuffer(await engine.get(Buffer.from("a"))));
  });

  test("get() tells an empty value from none", async (engine) => {
    await engine.write([put("a", "")], unsynced);
    assertEquals(await engine.get(Buffer.from("a")), Buffer.alloc(0));
    assertEquals(await engine.getMany([Buffer.from("a"), Buffer.from("b")]), [
      Buffer.alloc(0),
      undefined,
    ]);
    assertEquals((await engine.scan(everything))[0]?.value, Buffer.alloc(0));
  });

  test("takes plain Uint8Arrays, views included, byte for byte", async (engine) => {
    const memory = new Uint8Array([9, 1, 2, 3, 9, 4, 5, 9]);
    const key = memory.subarray(1, 4);
    await engine.write([{ type: "put", key, value: memory.subarray(5, 7) }], unsynced);
    assertEquals(await engine.get(Buffer.of(1, 2, 3)), Buffer.of(4, 5));
    assertEquals(await engine.get(key), Buffer.of(4, 5));
    assertEquals(await engine.getMany([key]), [Buffer.of(4, 5)]);
    const found = await engine.scan({ start: key, end: new Uint8Array([1, 2, 4]) });
    assertEquals(found, [{ key: Buffer.of(1, 2, 3), value: Buffer.of(4, 5) }]);
    await engine.write([{ type: "del", key }], unsynced);
    assertEquals(await engine.get(key), undefined);
  });

  test("keeps binary keys and values with every byte", async (engine) => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await engine.write([put(bytes, bytes)], unsynced);
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
    await engine.write([write], unsynced);
    if (write.type === "put") write.value[0] = 0;
    write.key[0] = 0;
    const first = await engine.get(Buffer.from("a"));
    assertEquals(first, Buffer.from("1"));
    if (first) first[0] = 0;
    assertEquals(await engine.get(Buffer.from("a")), Buffer.from("1"));
  });

  test("getMany() answers in the order of the keys, repeated ones too", async (engine) => {
    await engine.write([put("a", "1"), put("b", "2"), put("c", "3")], unsynced);
    const keys = ["c", "x", "a", "c", "b"].map((key) => Buffer.from(key));
    const found = await engine.getMany(keys);
    assertEquals(found.map((value) => value && String(value)), ["3", undefined, "1", "3", "2"]);
    assertEquals(await engine.getMany([]), []);
  });

  test("getMany() answers many keys in order", async (engine) => {
    const keys = Array.from({ length: 1_001 }, (_, i) => Buffer.from(`key ${i}`));
    await engine.write(keys.filter((_, i) => i % 3 !== 0).map((key) => put(key, key)), unsynced);
    const expected = keys.map((key, i) => i % 3 !== 0 ? key : undefined);
    assertEquals(await engine.getMany(keys), expected);
  });

  test("refuses empty keys and keys of the engines' own region", async (engine) => {
    const none = Buffer.alloc(0);
    await assertRejects(() => engine.get(none), RangeError, "Cannot use an empty key");
    await assertRejects(() => engine.getMany([Buffer.from("a"), none]), RangeError);
    await assertRejects(() => engine.write([put("a", "1"), put(none, "1")], unsynced), RangeError);
    await assertRejects(() => engine.write([del(none)], unsynced), RangeError);
    await assertRejects(
      () => engine.write([put(Buffer.of(MARK_REGION), "")], unsynced),
      RangeError,
    );
    assertEquals(await engine.scan(everything), [], "A refused batch left something behind");
  });
}

function testRanges(test: Test): void {
  test("scan() goes from start to before end in byte order", async (engine) => {
    await engine.write(["b", "a", "aa", "c", "B"].map((key) => put(key, key)), unsynced);
    assertEquals(keysOf(await engine.scan(everything)), "B a aa b c");
    assertEquals(keysOf(await engine.scan(range("a", "b"))), "a aa");
    assertEquals(keysOf(await engine.scan(range("a\0", "b\0"))), "aa b");
    assertEquals(keysOf(await engine.scan(range("d", "e"))), "");
  });

  test("scan() finds nothing in an empty or inverted range", async (engine) => {
    await engine.write([put("a", "1"), put("b", "2")], unsynced);
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
    await engine.write(keys.map((key) => put(Buffer.from(key), "")).reverse(), unsynced);
    const found = await engine.scan(everything);
    assertEquals(found.map(({ key }) => [...key]), keys);
    const edge = await engine.scan({ start: Buffer.of(0xff), end: Buffer.of(0xff, 0xff) });
    assertEquals(edge.map(({ key }) => [...key]), [[0xff], [0xff, 0x00]]);
  });

  test("scan() stops at the limit", async (engine) => {
    await engine.write([..."abcdef"].map((key) => put(key, key)), unsynced);
    assertEquals(keysOf(await engine.scan(range("b", "f"), { limit: 2 })), "b c");
    assertEquals(keysOf(await engine.scan(range("b", "f"), { limit: 0 })), "");
    assertEquals(keysOf(await engine.scan(range("b", "f"), { limit: 100 })), "b c d e");
  });

  test("scan() runs backwards from the last key", async (engine) => {
    await engine.write([..."abcdef"].map((key) => put(key, key)), unsynced);
    assertEquals(keysOf(await engine.scan(range("b", "e"), { reverse: true })), "d c b");
    assertEquals(keysOf(await engine.scan(range("b", "e"), { reverse: true, limit: 1 })), "d");
    assertEquals(keysOf(await engine.scan(range("b", "zz"), { reverse: true, limit: 2 })), "f e");
    assertEquals(keysOf(await engine.scan(range("g", "zz"), { reverse: true })), "");
    assertEquals(keysOf(await engine.scan(range("A", "a"), { reverse: true })), "");
  });

  test("clearRange() removes its range and none of the neighbours", async (engine) => {
    const inside = Array.from({ length: 3_000 }, (_, i) => Buffer.from(`shard 2/${i}`));
    const around = ["shard 1/z", "shard 1\xff", "shard 3/", "shard 3/a", "shard 20"];
    await engine.write([...inside, ...around].map((key) => put(key, "x")), unsynced);
    await engine.write([put(Buffer.from("shard 2/\xff", "latin1"), "x")], unsynced);
    await engine.clearRange(range("shard 2/", "shard 20"));
    const left = await engine.scan(everything);
    assertEquals(
      keysOf(left),
      keysOf(around.map(Buffer.from).sort(Buffer.compare).map((key) => ({ key, value: key }))),
    );
  });

  test("clearRange() of an empty range removes nothing", async (engine) => {
    await engine.write([put("a", "1")], unsynced);
    await engine.clearRange(range("a", "a"));
    await engine.clearRange(range("b", "c"));
    assertEquals(keysOf(await engine.scan(everything)), "a");
  });
}

function testIterators(test: Test): void {
  test("iterate() yields pages in order, and nothing after the end", async (engine) => {
    const keys = Array.from({ length: 2_500 }, (_, i) => String(i).padStart(5, "0"));
    await engine.write(keys.map((key) => put(key, key)), unsynced);
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
    await engine.write(keys.map((key) => put(key, "old")), unsynced);
    const iterator = engine.iterate(range("k", "l"));
    const seen = await iterator.next(5);
    await engine.write([...keys.map((key) => put(key, "new")), put("k0000a", "new")], unsynced);
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
    await engine.write([put("a", "1")], unsynced);
    const iterator = engine.iterate(everything);
    await engine.write([put("b", "2"), del("a")], unsynced);
    assertEquals(keysOf(await iterator.next(10)), "a");
    await iterator.close();
  });

  test("iterate() may be closed early, twice, and then is of no use", async (engine) => {
    await engine.write([put("a", "1"), put("b", "2")], unsynced);
    const iterator = engine.iterate(everything);
    await iterator.next(1);
    await iterator.close();
    await iterator.close();
    await assertRejects(() => iterator.next(1), EngineClosedError);
  });
}

function testWrites(test: Test): void {
  test("write() applies a batch in order, the last change of a key wins", async (engine) => {
    await engine.write([put("a", "1"), del("a"), put("b", "1"), put("b", "2")], unsynced);
    assertEquals(await engine.get(Buffer.from("a")), undefined);
    assertEquals(await engine.get(Buffer.from("b")), Buffer.from("2"));
    await engine.write([del("b"), put("b", "3"), del("missing")], unsynced);
    assertEquals(await engine.get(Buffer.from("b")), Buffer.from("3"));
  });

  test("write() of an empty batch does nothing", async (engine) => {
    await engine.write([], { sync: true });
    assertEquals(await engine.scan(everything), []);
  });

  test("write() calls take effect in the order they were made", async (engine) => {
    const writes = [];
    for (let i = 0; i < 200; i++) {
      const batch = [put("last", `${i}`), put(`k${i}`, ""), del(`k${i - 1}`)];
      writes.push(engine.write(batch, { sync: i % 17 === 0 }));
    }
    await Promise.all(writes);
    assertEquals(keysOf(await engine.scan(everything)), "k199 last");
    assertEquals(await engine.get(Buffer.from("last")), Buffer.from("199"));
  });

  test("write() resolves in order", async (engine) => {
    const order: number[] = [];
    const writes = Array.from({ length: 20 }, async (_, i) => {
      await engine.write([put("a", `${i}`)], { sync: i % 2 === 0 });
      order.push(i);
    });
    await Promise.all(writes);
    assertEquals(order, order.toSorted((a, b) => a - b));
  });

  test("write() shows a batch as a whole or not at all", async (engine) => {
    let done = false;
    const writer = (async () => {
      for (let i = 0; i < 100; i++) {
        await engine.write([put("x", `${i}`), put("y", `${i}`)], unsynced);
      }
      done = true;
    })();
    while (!done) {
      const [x, y] = await engine.scan(range("x", "z"));
      assertEquals(x?.value, y?.value);
    }
    await writer;
  });

  test("write() is seen by every read after its acknowledgement", async (engine) => {
    for (let i = 0; i < 50; i++) {
      await engine.write([put("a", `${i}`)], { sync: i % 10 === 0 });
      assertEquals(await engine.get(Buffer.from("a")), Buffer.from(`${i}`));
    }
  });
}

function testLifecycle(test: Test): void {
  test("close() leaves everything for the next open", async (engine, fixture) => {
    await engine.write([put("a", "1"), put("b", "2")], { sync: true });
    await engine.write([put("c", "3"), del("a")], unsynced);
    const next = await fixture.reopen();
    assertEquals(keysOf(await next.scan(everything)), "b c");
    await next.write([put("d", "4")], { sync: true });
    const last = await fixture.reopen();
    assertEquals(keysOf(await last.scan(everything)), "b c d");
  });

  test("close() makes every later call fail, and is harmless again", async (engine) => {
    const iterator = engine.iterate(everything);
    await engine.close();
    const key = Buffer.from("a");
    await assertRejects(() => engine.get(key), EngineClosedError, "it is closed");
    await assertRejects(() => engine.getMany([key]), EngineClosedError);
    await assertRejects(() => engine.write([put("a", "1")], unsynced), EngineClosedError);
    await assertRejects(() => engine.scan(everything), EngineClosedError);
    await assertRejects(() => engine.clearRange(everything), EngineClosedError);
    await assertRejects(() => iterator.next(1), EngineClosedError);
    assertThrows(() => engine.iterate(everything), EngineClosedError);
    assertThrows(() => engine.stats(), EngineClosedError);
    await iterator.close();
    await engine.close();
  });

  test("close() waits for calls under way", async (engine, fixture) => {
    await engine.write([put("a", "1")], unsynced);
    const iterator = engine.iterate(everything);
    const reads = [engine.get(Buffer.from("a")), engine.getMany([Buffer.from("a")])];
    const page = iterator.next(10);
    const writes = Array.from(
      { length: 20 },
      (_, i) => engine.write([put(`w${i}`, "")], { sync: i % 5 === 0 }),
    );
    const closed = engine.close();
    await Promise.all([...reads, ...writes, closed]);
    assertEquals(keysOf(await page), "a");
    const next = await fixture.reopen();
    assertEquals((await next.scan(everything)).length, 21);
  });

  test("stats() counts bytes that grow with the data", async (engine) => {
    const before = engine.stats().storageBytes;
    await engine.write([put("a", Buffer.alloc(200_000, 1))], unsynced);
    assert(engine.stats().storageBytes > before + 100_000);
  });
}

/** A step of the model test, on keys of a small space so that they often meet. */
type Step =
  | { readonly type: "write"; readonly batch: readonly Write[]; readonly sync: boolean }
  | { readonly type: "clear"; readonly range: KeyRange }
  | {
    readonly type: "scan";
    readonly range: KeyRange;
    readonly limit: number;
    readonly reverse: boolean;
  }
  | { readonly type: "reopen" };

const keyBytes = fc.constantFrom(0x00, 0x01, 0x61, 0x7e, 0x80, 0xff);
const arbitraryKey = fc.array(keyBytes, { minLength: 1, maxLength: 3 }).map((bytes) =>
  Buffer.from(bytes)
);
const arbitraryRange = fc.record({ start: arbitraryKey, end: arbitraryKey });
const arbitraryWrite: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("put" as const),
      key: arbitraryKey,
      value: fc.uint8Array({ maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("del" as const), key: arbitraryKey }) },
);
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("write" as const),
      batch: fc.array(arbitraryWrite, { maxLength: 8 }),
      sync: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("clear" as const), range: arbitraryRange }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("scan" as const),
      range: arbitraryRange,
      limit: fc.constantFrom(0, 1, 3, Infinity),
      reverse: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "reopen" as const }) },
);

/** The slow oracle: hexadecimal text sorts as bytes do. */
type Model = Map<string, Uint8Array>;

function modelScan(model: Model, over: KeyRange): [string, Uint8Array][] {
  const [start, end] = [over.start, over.end].map((key) => Buffer.from(key).toString("hex"));
  return [...model].filter(([key]) => key >= `${start}` && key < `${end}`)
    .sort(([a], [b]) => a < b ? -1 : 1);
}

function hexPairs(pairs: readonly KeyValue[]): [string, string][] {
  return pairs.map(({ key, value }) => [key.toString("hex"), value.toString("hex")]);
}

function modelPairs(pairs: readonly [string, Uint8Array][]): [string, string][] {
  return pairs.map(([key, value]) => [key, Buffer.from(value).toString("hex")]);
}

function applyToModel(model: Model, batch: readonly Write[]): void {
  for (const write of batch) {
    const key = Buffer.from(write.key).toString("hex");
    if (write.type === "put") model.set(key, write.value);
    else model.delete(key);
  }
}

function testModel(test: Test): void {
  test("behaves like a sorted map under any steps", async (_, fixture) => {
    let engine = await fixture.reopen();
    const property = fc.asyncProperty(fc.array(arbitraryStep, { maxLength: 12 }), async (steps) => {
      await engine.clearRange(everything);
      const model: Model = new Map();
      for (const step of steps) {
        if (step.type === "reopen") engine = await fixture.reopen();
        else await runStep(engine, model, step);
      }
      const all = await collect(engine, everything, 5);
      assertEquals(hexPairs(all), modelPairs(modelScan(model, everything)));
      const values = await engine.getMany(all.map(({ key }) => key));
      assertEquals(values, all.map(({ value }) => value));
    });
    await fc.assert(property, { numRuns: 40, seed: 20_260_101 });
  });
}

async function runStep(
  engine: Engine,
  model: Model,
  step: Exclude<Step, { type: "reopen" }>,
): Promise<void> {
  switch (step.type) {
    case "write":
      await engine.write(step.batch, { sync: step.sync });
      applyToModel(model, step.batch);
      return;
    case "clear":
      await engine.clearRange(step.range);
      for (const [key] of modelScan(model, step.range)) model.delete(key);
      return;
    case "scan": {
      const { range: over, limit, reverse } = step;
      const expected = modelPairs(modelScan(model, over));
      if (reverse) expected.reverse();
      const found = await engine.scan(over, { limit, reverse });
      assertEquals(hexPairs(found), expected.slice(0, limit));
      return;
    }
  }
}
