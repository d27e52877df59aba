/** Conformance: writing, clearing and closing. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EngineClosedError } from "../../storage/engine.ts";
import { machineKey, machinePrefix } from "../../storage/key_space.ts";
import {
  del,
  type EngineTest,
  EVERYTHING,
  keysOf,
  put,
  range,
  UNSYNCED,
} from "./engine_fixture.ts";

/** Order and atomicity of writes. */
export function testWrites(test: EngineTest): void {
  test("write() applies a batch in order, the last change of a key wins", async (engine) => {
    await engine.write([put("a", "1"), del("a"), put("b", "1"), put("b", "2")], UNSYNCED);
    assertEquals(await engine.get(Buffer.from("a")), undefined);
    assertEquals(await engine.get(Buffer.from("b")), Buffer.from("2"));
    await engine.write([del("b"), put("b", "3"), del("missing")], UNSYNCED);
    assertEquals(await engine.get(Buffer.from("b")), Buffer.from("3"));
  });

  test("write() puts a prefix before its key, whatever their lengths", async (engine) => {
    const key = Buffer.from("key");
    for (const length of [1, 2, 6, 508, 509, 510, 3_000]) {
      const prefix = Buffer.alloc(length, "p");
      const other = Buffer.alloc(length, "q");
      const puts = [prefix, other].map((each) => ({ ...put(key, `${length}`), prefix: each }));
      await engine.write([...puts, put(`alone ${length}`, "x")], UNSYNCED);
      const value = Buffer.from(`${length}`);
      assertEquals(await engine.get(Buffer.concat([prefix, key])), value);
      await engine.write([{ ...del("key"), prefix }], UNSYNCED);
      const left = await engine.getMany([prefix, other].map((each) => Buffer.concat([each, key])));
      assertEquals(left, [undefined, value]);
      assertEquals(await engine.get(Buffer.from(`alone ${length}`)), Buffer.from("x"));
    }
    assertEquals(await engine.get(key), undefined);
  });

  test("write() takes an empty key behind a prefix", async (engine) => {
    await engine.write([{ ...put("", "1"), prefix: Buffer.from("p") }], UNSYNCED);
    assertEquals(await engine.get(Buffer.from("p")), Buffer.from("1"));
  });

  test("write() puts many keys under one prefix, sealed as by themselves", async (engine) => {
    const prefix = machinePrefix(1);
    const names = Array.from({ length: 300 }, (_, i) => Buffer.from("k".repeat(1 + i % 40) + i));
    await engine.write(names.map((key) => ({ ...put(key, `${key}`), prefix })), UNSYNCED);
    const whole = names.map((key) => machineKey(prefix, key));
    assertEquals(await engine.getMany(whole), names);
    await engine.write(whole.map((key) => put(key, "again")), UNSYNCED);
    assertEquals(await engine.getMany(whole), names.map(() => Buffer.from("again")));
  });

  test("write() of an empty batch does nothing", async (engine) => {
    await engine.write([], { sync: true });
    assertEquals(await engine.scan(EVERYTHING), []);
  });

  test("write() calls take effect in the order they were made", async (engine) => {
    const writes = [];
    for (let i = 0; i < 200; i++) {
      const batch = [put("last", `${i}`), put(`k${i}`, ""), del(`k${i - 1}`)];
      writes.push(engine.write(batch, { sync: i % 17 === 0 }));
    }
    await Promise.all(writes);
    assertEquals(keysOf(await engine.scan(EVERYTHING)), "k199 last");
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
        await engine.write([put("x", `${i}`), put("y", `${i}`)], UNSYNCED);
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

/** Removing ranges, and nothing beside them. */
export function testClear(test: EngineTest): void {
  test("clearRange() removes its range and none of the neighbours", async (engine) => {
    const inside = Array.from({ length: 3_000 }, (_, i) => Buffer.from(`shard 2/${i}`));
    const around = ["shard 1/z", "shard 1\xff", "shard 3/", "shard 3/a", "shard 20"];
    await engine.write([...inside, ...around].map((key) => put(key, "x")), UNSYNCED);
    await engine.write([put(Buffer.from("shard 2/\xff", "latin1"), "x")], UNSYNCED);
    await engine.clearRange(range("shard 2/", "shard 20"));
    const left = await engine.scan(EVERYTHING);
    assertEquals(
      keysOf(left),
      keysOf(around.map(Buffer.from).sort(Buffer.compare).map((key) => ({ key, value: key }))),
    );
  });

  test("clearRange() of an empty range removes nothing", async (engine) => {
    await engine.write([put("a", "1")], UNSYNCED);
    await engine.clearRange(range("a", "a"));
    await engine.clearRange(range("b", "c"));
    assertEquals(keysOf(await engine.scan(EVERYTHING)), "a");
  });
}

/** Closing and opening again. */
export function testLifecycle(test: EngineTest): void {
  test("close() leaves everything for the next open", async (engine, fixture) => {
    await engine.write([put("a", "1"), put("b", "2")], { sync: true });
    await engine.write([put("c", "3"), del("a")], UNSYNCED);
    const next = await fixture.reopen();
    assertEquals(keysOf(await next.scan(EVERYTHING)), "b c");
    await next.write([put("d", "4")], { sync: true });
    const last = await fixture.reopen();
    assertEquals(keysOf(await last.scan(EVERYTHING)), "b c d");
  });

  test("close() makes every later call fail, and is harmless again", async (engine) => {
    const iterator = engine.iterate(EVERYTHING);
    await engine.close();
    const key = Buffer.from("a");
    await assertRejects(() => engine.get(key), EngineClosedError, "it is closed");
    await assertRejects(() => engine.getMany([key]), EngineClosedError);
    await assertRejects(() => engine.write([put("a", "1")], UNSYNCED), EngineClosedError);
    await assertRejects(() => engine.scan(EVERYTHING), EngineClosedError);
    await assertRejects(() => engine.clearRange(EVERYTHING), EngineClosedError);
    await assertRejects(() => iterator.next(1), EngineClosedError);
    assertThrows(() => engine.iterate(EVERYTHING), EngineClosedError);
    assertThrows(() => engine.stats(), EngineClosedError);
    await iterator.close();
    await engine.close();
  });

  test("close() waits for calls under way", async (engine, fixture) => {
    await engine.write([put("a", "1")], UNSYNCED);
    const iterator = engine.iterate(EVERYTHING);
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
    assertEquals((await next.scan(EVERYTHING)).length, 21);
  });

  test("stats() counts bytes that grow with the data", async (engine) => {
    const before = engine.stats().storageBytes;
    await engine.write([put("a", Buffer.alloc(200_000, 1))], UNSYNCED);
    assert(engine.stats().storageBytes > before + 100_000);
  });

  test("stats() counts what the journal takes, also after a restart", async (engine, fixture) => {
    const before = engine.stats().storageBytes;
    await engine.journal.append([Buffer.alloc(200_000, 1)]);
    assert(engine.stats().storageBytes >= before + 200_000);
    assert((await fixture.reopen()).stats().storageBytes >= before + 200_000);
  });
}
