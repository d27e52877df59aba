/** Tables that are damaged or gone: reads of many records in a row must find it, too. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Engine, EngineError } from "./engine.ts";
import { generationRange, machineKey, machinePrefix } from "./key_space.ts";
import { CHECKSUM_BYTES } from "./record_checksum.ts";
import { RocksdbEngine } from "./rocksdb_engine.ts";

const RECORDS = 50;
const NEEDLE = "a value that is easy to find";
// Compressed blocks would fail to unpack rather than give a wrong value.
const OPTIONS = { compression: false };

function keyOf(number: number): Buffer {
  return machineKey(machinePrefix(1), Buffer.from(`key-${String(number).padStart(3, "0")}`));
}

/** A directory whose records lie in a table. */
async function withTable(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "eraft_table_" });
  try {
    const engine = await RocksdbEngine.open(path, OPTIONS);
    const writes = Array.from({ length: RECORDS }, (_, number) => ({
      ...{ type: "put" as const, key: keyOf(number) },
      value: Buffer.from(number === 20 ? NEEDLE : `value ${number}`),
    }));
    await engine.write(writes, { sync: true });
    await engine.close();
    // Opening moves what is in the log into a table.
    await (await RocksdbEngine.open(path, OPTIONS)).close();
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/** An engine one bit of whose values is not what it was. */
function withDamagedTable(body: (engine: Engine) => Promise<void>): Promise<void> {
  return withTable(async (path) => {
    await flipBitOf(path, NEEDLE);
    const damaged = await RocksdbEngine.open(path, OPTIONS);
    try {
      await body(damaged);
    } finally {
      await damaged.close();
    }
  });
}

async function flipBitOf(path: string, text: string): Promise<void> {
  for await (const { name } of Deno.readDir(path)) {
    if (!name.endsWith(".sst")) continue;
    const bytes = Buffer.from(await Deno.readFile(`${path}/${name}`));
    const at = bytes.indexOf(text);
    if (at < 0) continue;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return await Deno.writeFile(`${path}/${name}`, bytes);
  }
  throw new Error(`Cannot find '${text}' in the tables of ${path}`);
}

async function assertFound(read: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(read, EngineError);
  assertEquals(error.kind, "corruption");
  assert(error.message.includes("its files are damaged; wipe the directory"), error.message);
}

Deno.test("RocksdbEngine finds a changed bit of a table in every way of reading", () =>
  withDamagedTable(async (engine) => {
    await assertFound(() => engine.scan(generationRange(1)));
    const iterator = engine.iterate(generationRange(1));
    await assertFound(async () => {
      while ((await iterator.next(10)).length > 0);
    });
    await iterator.close();
    await assertFound(() => engine.get(keyOf(20)));
    await assertFound(() => engine.getMany([keyOf(19), keyOf(20)]));
  }));

Deno.test("RocksdbEngine clears what is damaged without reading it", () =>
  withDamagedTable(async (engine) => {
    await engine.clearRange(generationRange(1));
    const gone = [keyOf(0), keyOf(20)];
    assertEquals(await engine.getMany(gone), gone.map(() => undefined));
  }));

Deno.test("RocksdbEngine reports a missing table, and a manifest that was cut, as damage", () =>
  withTable(async (path) => {
    for await (const { name } of Deno.readDir(path)) {
      if (name.endsWith(".sst")) await Deno.remove(`${path}/${name}`);
    }
    await assertFound(async () => {
      await using stack = new AsyncDisposableStack();
      const engine = await RocksdbEngine.open(path, OPTIONS);
      stack.defer(() => engine.close());
      await engine.scan(generationRange(1));
    });
  }));

/** What RocksDB keeps with a key, directly before the value: number and kind. */
const TRAILER_BYTES = 8;

Deno.test("RocksdbEngine finds any changed bit of a record, of what hides it too", () =>
  withTable(async (path) => {
    const name = await tableIn(path);
    const intact = await Deno.readFile(name);
    const inside = { start: keyOf(20), end: keyOf(21) };
    const value = Buffer.from(intact).indexOf(NEEDLE);
    const end = value + NEEDLE.length + CHECKSUM_BYTES;
    for (let bit = 8 * (value - TRAILER_BYTES); bit < 8 * end; bit++) {
      // A kind that there is none of: RocksDB aborts the process, which is a refusal, too.
      if (bit === 8 * (value - TRAILER_BYTES) + 7) continue;
      const damaged = intact.slice();
      damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      await Deno.writeFile(name, damaged);
      const engine = await RocksdbEngine.open(path, OPTIONS);
      try {
        await assertFound(() => engine.scan(generationRange(1)));
        await assertFound(() => engine.scan(inside, { checksAbove: true }));
        await assertFound(() => engine.scan(inside, { reverse: true, checksAbove: true }));
      } finally {
        await engine.close();
      }
    }
  }));

/** The one table of a database. */
async function tableIn(path: string): Promise<string> {
  for await (const { name } of Deno.readDir(path)) {
    if (name.endsWith(".sst")) return `${path}/${name}`;
  }
  throw new Error(`There is no table in ${path}`);
}
