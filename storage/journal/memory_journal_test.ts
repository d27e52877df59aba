/** The journal of the memory engine: what a power cut, a restart and a failure leave. */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { InvariantError } from "../../runtime/invariant.ts";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import { EngineClosedError, EngineError } from "../engine.ts";
import { MemoryEngine, type MemoryOperation } from "../memory_engine.ts";
import { appendMany, contentBetween, contentOf, payloadOf } from "./journal_fixture.ts";
import type { JournalRecord } from "./journal.ts";

/** Always draws the same number, or the largest possible one. */
function fixedPrng(value: number): Prng {
  return { below: (bound) => Math.min(value, bound - 1) };
}

function numbersOf(records: readonly JournalRecord[]): number[] {
  return records.map(({ sequence }) => sequence);
}

/** An engine that has written 3 records, and whose disk takes as long as it takes from then on. */
async function engineWithSlowDisk(): Promise<MemoryEngine> {
  let isSlow = false;
  const delay = () => isSlow ? new Promise<void>(() => {}) : Promise.resolve();
  const engine = new MemoryEngine({ delay });
  await appendMany(engine.journal, 3, 10);
  isSlow = true;
  return engine;
}

/** The engine a restart finds; its disk is fast again. */
function readable(engine: MemoryEngine): MemoryEngine {
  return new MemoryEngine({}, engine.content.records);
}

Deno.test("MemoryEngine.crash() keeps every acknowledged record", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const engine = new MemoryEngine();
    await appendMany(engine.journal, 5, 10);
    const survivor = engine.crash(createPrng(seed));
    assertEquals(survivor.journal.newest, 5);
    assertEquals(await contentOf(survivor.journal), contentBetween(1, 5, 10));
  }
});

Deno.test("MemoryEngine.crash() keeps or loses the record under way, and nothing else", async () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const engine = await engineWithSlowDisk();
    engine.journal.append([payloadOf(4, 10)]).catch(() => {});
    const survivor = engine.crash(createPrng(seed));
    seen.add(survivor.journal.newest);
    const { journal } = readable(survivor);
    assertEquals(await contentOf(journal), contentBetween(1, survivor.journal.newest, 10));
  }
  assertEquals([...seen].sort(), [3, 4]);
});

Deno.test("MemoryEngine.crash() makes what it leaves durable, and numbers go on behind it", async () => {
  for (let seed = 0; seed < 10; seed++) {
    const engine = await engineWithSlowDisk();
    engine.journal.append([payloadOf(4, 10)]).catch(() => {});
    const survivor = readable(engine.crash(createPrng(seed)));
    const { newest } = survivor.journal;
    await appendMany(survivor.journal, 2, 10);
    const last = survivor.crash(createPrng(seed));
    assertEquals(await contentOf(last.journal), contentBetween(1, newest + 2, 10));
  }
});

Deno.test("MemoryEngine.crash() decides of batches and of the record by themselves", async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 80; seed++) {
    const engine = await engineWithSlowDisk();
    const put = { type: "put" as const, key: Buffer.from("k"), value: Buffer.from("v") };
    engine.write([put], { sync: true }).catch(() => {});
    engine.journal.append([payloadOf(4, 10)]).catch(() => {});
    const { size, records } = engine.crash(createPrng(seed)).content;
    seen.add(`${size} pairs, ${records.length} records`);
  }
  assertEquals([...seen].sort(), [
    "0 pairs, 3 records",
    "0 pairs, 4 records",
    "1 pairs, 3 records",
    "1 pairs, 4 records",
  ]);
});

Deno.test("MemoryEngine.crash() chooses the same record for the same seed", async () => {
  for (let seed = 0; seed < 10; seed++) {
    const newest = [];
    for (let run = 0; run < 2; run++) {
      const engine = await engineWithSlowDisk();
      engine.journal.append([payloadOf(4, 10)]).catch(() => {});
      newest.push(engine.crash(createPrng(seed)).journal.newest);
    }
    assertEquals(newest[0], newest[1], `seed ${seed}`);
  }
});

Deno.test("MemoryEngine.crash() never lets an append resolve whose record is lost", async () => {
  for (let turns = 0; turns < 8; turns++) {
    for (const draw of [0, 1]) {
      const engine = new MemoryEngine();
      let acknowledged = false;
      const appended = engine.journal.append([payloadOf(1, 10)]).then(() => acknowledged = true);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const before = acknowledged;
      const { newest } = engine.crash(fixedPrng(draw)).journal;
      const [outcome] = await Promise.allSettled([appended]);
      if (before) assertEquals(newest, 1);
      if (outcome.status === "fulfilled") assertEquals(newest, 1, `After ${turns} turns`);
      else assert(outcome.reason instanceof EngineClosedError);
    }
  }
});

Deno.test("MemoryEngine.crash() rejects an append under way, and every later call", async () => {
  let release = () => {};
  const engine = new MemoryEngine({ delay: () => new Promise((resolve) => release = resolve) });
  const { journal } = engine;
  const appended = journal.append([payloadOf(1, 10)]);
  engine.crash(createPrng(1));
  release();
  await assertRejects(() => appended, EngineClosedError, "crashed");
  await assertRejects(() => journal.append([payloadOf(2, 10)]), EngineClosedError);
  await assertRejects(() => journal.forget(1), EngineClosedError);
  await assertRejects(() => contentOf(journal), EngineClosedError);
});

Deno.test("MemoryEngine.reopen() finds all records, and numbers go on", async () => {
  const engine = new MemoryEngine();
  await appendMany(engine.journal, 3, 10);
  await engine.close();
  const next = engine.reopen();
  assertEquals(next.journal.newest, 3);
  await appendMany(next.journal, 2, 10);
  assertEquals(await contentOf(next.journal), contentBetween(1, 5, 10));
});

Deno.test("MemoryEngine's journal forgets records below the number, never the newest", async () => {
  for (let below = 0; below <= 8; below++) {
    const engine = new MemoryEngine();
    await appendMany(engine.journal, 5, 10);
    await engine.journal.forget(below);
    const first = Math.max(1, Math.min(below, 5));
    assertEquals(await contentOf(engine.journal), contentBetween(first, 5, 10));
    const survivor = engine.crash(createPrng(below));
    assertEquals(await contentOf(survivor.journal), contentBetween(first, 5, 10));
    assertEquals(survivor.journal.newest, 5);
  }
});

Deno.test("MemoryEngine's journal keeps the last durable record while the next is written", async () => {
  const engine = await engineWithSlowDisk();
  engine.journal.append([payloadOf(4, 10)]).catch(() => {});
  await engine.journal.forget(1_000);
  assertEquals(numbersOf(engine.durable.records), [3]);
  assertEquals(numbersOf(engine.content.records), [3, 4]);
  assertEquals(engine.crash(fixedPrng(0)).journal.newest, 3);
});

Deno.test("MemoryEngine shows a record under way in `content`, and in `durable` once it is", async () => {
  let release = () => {};
  const engine = new MemoryEngine({ delay: () => new Promise((resolve) => release = resolve) });
  const empty = engine.durable;
  assertEquals(empty.records, []);
  const appended = engine.journal.append([payloadOf(1, 10)]);
  assertEquals(numbersOf(engine.content.records), [1]);
  assertEquals(numbersOf(engine.durable.records), []);
  assertStrictEquals(engine.durable, empty, "The same view until it is more");
  release();
  await appended;
  assertEquals(numbersOf(engine.durable.records), [1]);
  assertStrictEquals(engine.durable, engine.durable);
  assertEquals(numbersOf(empty.records), [], "A view stays as it was");
});

Deno.test("MemoryEngine waits for the delay with records too", async () => {
  const operations: MemoryOperation[] = [];
  const delay = (operation: MemoryOperation) => {
    operations.push(operation);
    return Promise.resolve();
  };
  const engine = new MemoryEngine({ delay });
  await appendMany(engine.journal, 2, 10);
  await contentOf(engine.journal);
  assertEquals(operations, ["sync", "sync", "read"]);
});

Deno.test("MemoryEngine's journal refuses overlapping appends, and the first is not harmed", async () => {
  const { journal } = new MemoryEngine();
  const first = journal.append([payloadOf(1, 10)]);
  await assertRejects(() => journal.append([payloadOf(2, 10)]), InvariantError, "one by one");
  await first;
  await appendMany(journal, 1, 10);
  assertEquals(await contentOf(journal), contentBetween(1, 2, 10));
});

Deno.test("MemoryEngine's journal fails every append after one that failed", async () => {
  const failures = [new EngineError("diskFull", "Cannot write: the disk is full")];
  const delay = () => Promise.resolve(failures.pop()).then((e) => e && Promise.reject(e));
  const { journal } = new MemoryEngine({ delay });
  for (let i = 0; i < 3; i++) {
    const append = () => journal.append([payloadOf(1, 10)]);
    await assertRejects(append, EngineError, "the disk is full", `append ${i}`);
  }
});

Deno.test("MemoryEngine.crash() keeps or loses a record whose append failed", async () => {
  const seen = new Set<number>();
  for (const draw of [0, 1]) {
    const failure = new EngineError("io", "Cannot write: the disk refused");
    const engine = new MemoryEngine({ delay: () => Promise.reject(failure) });
    await assertRejects(() => engine.journal.append([payloadOf(1, 10)]), EngineError);
    seen.add(engine.crash(fixedPrng(draw)).journal.newest);
  }
  assertEquals([...seen].sort(), [0, 1]);
});
