import { assert, assertEquals, assertRejects } from "@std/assert";
import { createPrng, type Prng } from "../runtime/prng.ts";
import { EngineClosedError, EngineError } from "./engine.ts";
import { MemoryEngine } from "./memory_engine.ts";

const EVERYTHING = { start: Buffer.of(0), end: Buffer.of(255) };

/** Always draws the same number, or the largest possible one. */
function fixedPrng(value: number): Prng {
  return { below: (bound) => Math.min(value, bound - 1) };
}

async function writePair(engine: MemoryEngine, names: string, sync: boolean): Promise<void> {
  const writes = [...names].map((name) => ({
    type: "put" as const,
    key: Buffer.from(name),
    value: Buffer.from(names),
  }));
  await engine.write(writes, { sync });
}

async function keysOf(engine: MemoryEngine): Promise<string> {
  return (await engine.scan(EVERYTHING)).map(({ key }) => String(key)).join("");
}

Deno.test("MemoryEngine.crash() keeps synced batches and loses all others at worst", async () => {
  const engine = new MemoryEngine();
  await writePair(engine, "ab", false);
  await writePair(engine, "cd", true);
  await writePair(engine, "ef", false);
  const survivor = engine.crash(fixedPrng(0));
  assertEquals(await keysOf(survivor), "abcd");
});

Deno.test("MemoryEngine.crash() keeps whole unsynced batches, oldest first", async () => {
  const seen = new Set<string>();
  for (let survivors = 0; survivors <= 3; survivors++) {
    const engine = new MemoryEngine();
    for (const names of ["ab", "cd", "ef"]) await writePair(engine, names, false);
    seen.add(await keysOf(engine.crash(fixedPrng(survivors))));
  }
  assertEquals([...seen], ["", "ab", "abcd", "abcdef"]);
});

Deno.test("MemoryEngine.crash() may keep a batch that was never acknowledged", () => {
  const engine = new MemoryEngine({ delay: () => new Promise(() => {}) });
  writePair(engine, "ab", true).catch(() => {});
  writePair(engine, "cd", true).catch(() => {});
  const survivor = engine.crash(fixedPrng(1));
  // The delay of the survivor never ends either, so look at the figures.
  assertEquals(survivor.stats().properties, { pairs: 2, openIterators: 0 });
});

Deno.test("MemoryEngine.crash() never repeats a batch that is written already", async () => {
  const engine = new MemoryEngine();
  const writes = ["1", "2", "3"].map((value) =>
    engine.write([{ type: "put", key: Buffer.from("k"), value: Buffer.from(value) }], {
      sync: false,
    })
  );
  await writes[0];
  const survivor = engine.crash(fixedPrng(3));
  await Promise.allSettled(writes);
  assertEquals(await survivor.get(Buffer.from("k")), Buffer.from("3"));
});

Deno.test("MemoryEngine.crash() may still lose unsynced batches of a closed engine", async () => {
  const engine = new MemoryEngine();
  await writePair(engine, "ab", true);
  await writePair(engine, "cd", false);
  await engine.close();
  assertEquals(await keysOf(engine.crash(fixedPrng(0))), "ab");
});

Deno.test("MemoryEngine fails every write after one that failed", async () => {
  const failures = [new EngineError("diskFull", "Cannot write: the disk is full")];
  const delay = () => Promise.resolve(failures.pop()).then((e) => e && Promise.reject(e));
  const engine = new MemoryEngine({ delay });
  await assertRejects(() => writePair(engine, "a", false), EngineError, "the disk is full");
  await assertRejects(() => writePair(engine, "b", false), EngineError, "the disk is full");
  assertEquals(await keysOf(engine), "");
});

Deno.test("MemoryEngine.crash() rejects calls under way and later ones", async () => {
  let release = () => {};
  const engine = new MemoryEngine({ delay: () => new Promise((resolve) => release = resolve) });
  const read = engine.get(Buffer.from("a"));
  engine.crash(createPrng(1));
  release();
  await assertRejects(() => read, EngineClosedError);
  await assertRejects(() => engine.get(Buffer.from("a")), EngineClosedError);
});

Deno.test("MemoryEngine.crash() chooses the same survivors for the same seed", async () => {
  const survivors = [];
  for (let run = 0; run < 2; run++) {
    const engine = new MemoryEngine();
    const prng = createPrng(7);
    for (const name of "abcdefgh") await writePair(engine, name, prng.below(4) === 0);
    survivors.push(await keysOf(engine.crash(prng)));
  }
  assertEquals(survivors[0], survivors[1]);
});

Deno.test("MemoryEngine.reopen() finds everything an orderly close left", async () => {
  const engine = new MemoryEngine();
  await writePair(engine, "ab", false);
  await engine.close();
  assertEquals(await keysOf(engine.reopen()), "ab");
});

Deno.test("MemoryEngine waits for the delay it was given, once per operation", async () => {
  const operations: string[] = [];
  const engine = new MemoryEngine({
    delay: (operation) => {
      operations.push(operation);
      return Promise.resolve();
    },
  });
  await writePair(engine, "a", false);
  await writePair(engine, "b", true);
  await keysOf(engine);
  assertEquals(operations, ["write", "sync", "read"]);
});

Deno.test("MemoryEngine.stats() counts iterators that nobody closed", async () => {
  const engine = new MemoryEngine();
  await writePair(engine, "ab", false);
  const iterator = engine.iterate(EVERYTHING);
  assertEquals(engine.stats().properties["openIterators"], 1);
  await iterator.close();
  await iterator.close();
  assertEquals(engine.stats().properties["openIterators"], 0);
  assert(engine.stats().storageBytes > 0);
});
