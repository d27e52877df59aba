/** Write-ahead logs damaged on purpose: what RocksDB skips in silence must be refused. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "./engine.ts";
import { readUint64 } from "./key_space.ts";
import { promised } from "./rocksdb_binding.ts";
import { RocksdbEngine } from "./rocksdb_engine.ts";
import { RocksdbIterator } from "./rocksdb_iterator.ts";
import { openNative } from "./rocksdb_open.ts";
import { MARK_RANGE, type MarkSpan } from "./write_marks.ts";

const NUMBERS = { start: Buffer.from("n"), end: Buffer.from("o") };

function numberKey(number: number): Buffer {
  return Buffer.from(`n${String(number).padStart(8, "0")}`);
}

interface Damaged {
  readonly path: string;
  readonly log: string;
}

/** Writes `batches` batches of one number each into a new database and closes it. */
async function writeNumbers(path: string, batches: number, small = false): Promise<Damaged> {
  // A small write buffer makes RocksDB write many tables.
  const engine = await RocksdbEngine.open(path, small ? { writeBufferSize: 262_144 } : {});
  for (let number = 1; number <= batches; number++) {
    const write = {
      type: "put" as const,
      key: numberKey(number),
      value: Buffer.alloc(100, number),
    };
    await engine.write([write], { sync: false });
  }
  await engine.close();
  const names = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  const log = names.filter((name) => name.endsWith(".log")).toSorted().at(-1);
  return { path, log: `${path}/${log}` };
}

async function survivors(path: string): Promise<string[]> {
  const engine = await RocksdbEngine.open(path);
  const pairs = await engine.scan(NUMBERS);
  await engine.close();
  return pairs.map(({ key }) => key.toString());
}

function prefix(length: number): string[] {
  return Array.from({ length }, (_, i) => numberKey(i + 1).toString());
}

async function flipByte(file: string, at: (length: number) => number): Promise<void> {
  const bytes = await Deno.readFile(file);
  const index = Math.floor(at(bytes.length));
  bytes[index] = (bytes[index] ?? 0) ^ 0xff;
  await Deno.writeFile(file, bytes);
}

async function assertRefused(path: string): Promise<void> {
  const error = await assertRejects(() => RocksdbEngine.open(path), EngineError);
  assertEquals(error.kind, "corruption");
  assert(/write batches .* are missing/.test(error.message), error.message);
  assert(error.message.includes(path), error.message);
}

/** The marks in a database nobody has open; a copy, because opening changes it. */
async function marksIn(path: string): Promise<MarkSpan> {
  const copy = `${path}-copy`;
  await Deno.mkdir(copy);
  for await (const { name, isFile } of Deno.readDir(path)) {
    if (isFile) await Deno.copyFile(`${path}/${name}`, `${copy}/${name}`);
  }
  const database = await openNative(copy, {});
  const toError = (cause: unknown) => new Error("Cannot read marks", { cause });
  const iterator = new RocksdbIterator(database, MARK_RANGE, { marks: true, toError });
  const numbersFound = (await iterator.next(Infinity)).map(({ key }) => readUint64(key, 1));
  await iterator.close();
  await promised<void>((callback) => database.close(callback));
  await Deno.remove(copy, { recursive: true });
  return { oldest: numbersFound.at(0) ?? 0, newest: numbersFound.at(-1) ?? 0 };
}

async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("RocksdbEngine.open() refuses a log with a flipped byte, again and again", async () => {
  await withDirectory(async (directory) => {
    for (const part of [0.1, 0.5, 0.8]) {
      const { path, log } = await writeNumbers(`${directory}/${part}`, 2_000);
      await flipByte(log, (length) => length * part);
      await assertRefused(path);
      // The first attempt has moved what was readable into a table.
      await assertRefused(path);
    }
  });
});

Deno.test("RocksdbEngine.open() refuses a log damaged where older marks are gone", async () => {
  await withDirectory(async (directory) => {
    const { path, log } = await writeNumbers(directory, 5_000, true);
    const { oldest, newest } = await marksIn(path);
    assert(oldest > 1_000 && newest === 5_000, `Marks ${oldest} to ${newest} are there`);
    assert((await Deno.stat(log)).size > 33_000, "The log must have more than one block of 32 KiB");
    await flipByte(log, () => 20);
    await assertRefused(path);
  });
});

Deno.test("RocksdbEngine.open() accepts a torn end of the log, and finds a prefix", async () => {
  await withDirectory(async (directory) => {
    for (const missing of [1, 7, 1_000, 50_000]) {
      const { path, log } = await writeNumbers(`${directory}/${missing}`, 1_000);
      await Deno.truncate(log, (await Deno.stat(log)).size - missing);
      const found = await survivors(path);
      assert(found.length < 1_000 && found.length > 0);
      assertEquals(found, prefix(found.length));
    }
  });
});

Deno.test("RocksdbEngine accepts and continues a log cut at any time, marks deleted or not", async () => {
  await withDirectory(async (directory) => {
    const { path, log } = await writeNumbers(directory, 4_000, true);
    await Deno.truncate(log, Math.floor((await Deno.stat(log)).size / 2));
    const found = await survivors(path);
    assertEquals(found, prefix(found.length));
    await writeNumbers(path, 500, true);
    assertEquals((await survivors(path)).length, found.length);
  });
});
