/**
 * What the engines take for the batches that nodes write and read:
 * `deno bench -A storage/engine_bench.ts`.
 */
import { createPrng } from "../runtime/prng.ts";
import type { Engine, Write } from "./engine.ts";
import { MemoryEngine } from "./memory_engine.ts";
import { RocksdbEngine } from "./rocksdb_engine.ts";

const BATCH_KEYS = 256;
/** Enough to fill several tables, so that reads go beyond the write buffer. */
const LOADED_KEYS = 1_000_000;
const VALUE_BYTES = 100;

const prng = createPrng(1);

/** Keys as a shard group has them: any order, 16 bytes. */
function keyOf(number: number): Buffer {
  const key = Buffer.alloc(16, 0x03);
  key.writeUInt32BE(Math.imul(number, 0x9e3779b1) >>> 0, 1);
  key.writeUInt32BE(number, 8);
  return key;
}

function randomKeys(count: number): Buffer[] {
  return Array.from({ length: count }, () => keyOf(prng.below(LOADED_KEYS)));
}

function batchOf(keys: readonly Buffer[]): Write[] {
  return keys.map((key) => ({ type: "put", key, value: Buffer.alloc(VALUE_BYTES, key) }));
}

async function load(engine: Engine, count: number): Promise<void> {
  for (let first = 0; first < count; first += 1_000) {
    const keys = Array.from({ length: 1_000 }, (_, i) => keyOf(first + i));
    await engine.write(batchOf(keys), { sync: false });
  }
}

const directory = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
const rocksdb = await RocksdbEngine.open(directory);
await load(rocksdb, LOADED_KEYS);
const memory = new MemoryEngine();
await load(memory, 100_000);

/** Made beforehand, so that only the engine is measured. */
class Rotation<T> {
  readonly #items: readonly T[];
  #next = 0;

  constructor(make: () => T) {
    this.#items = Array.from({ length: 200 }, make);
  }

  next(): T {
    const item = this.#items[this.#next++ % this.#items.length];
    if (item === undefined) throw new RangeError("Cannot take an item: there are none");
    return item;
  }
}

for (const [name, engine] of [["RocksdbEngine", rocksdb], ["MemoryEngine", memory]] as const) {
  const batches = new Rotation(() => batchOf(randomKeys(BATCH_KEYS)));
  for (const sync of [false, true]) {
    Deno.bench(`${name} write() of ${BATCH_KEYS} puts, sync ${sync}`, async () => {
      await engine.write(batches.next(), { sync });
    });
  }

  const single = new Rotation(() => batchOf(randomKeys(1)));
  Deno.bench(`${name} write() of 1 put, sync true`, async () => {
    await engine.write(single.next(), { sync: true });
  });

  const few = new Rotation(() => batchOf(randomKeys(8)));
  Deno.bench(`${name} write() of 8 puts by 32 callers at once, sync true`, async () => {
    const writes = Array.from({ length: 32 }, () => engine.write(few.next(), { sync: true }));
    await Promise.all(writes);
  });

  Deno.bench(`${name} get()`, async () => {
    await engine.get(keyOf(prng.below(LOADED_KEYS)));
  });

  for (const count of [16, BATCH_KEYS, 1_024]) {
    const keys = new Rotation(() => randomKeys(count));
    Deno.bench(`${name} getMany() of ${count}`, async () => {
      await engine.getMany(keys.next());
    });
  }

  const keys = new Rotation(() => randomKeys(BATCH_KEYS));
  Deno.bench(`${name} ${BATCH_KEYS} get() at once`, async () => {
    await Promise.all(keys.next().map((key) => engine.get(key)));
  });

  Deno.bench(`${name} iterate() over 10,000 pairs`, async () => {
    const iterator = engine.iterate({ start: Buffer.of(0x03), end: Buffer.of(0x04) });
    for (let page = 0; page < 10; page++) await iterator.next(1_000);
    await iterator.close();
  });
}
