import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { EngineClosedError, EngineError, type EngineErrorKind, type Write } from "./engine.ts";
import { FileJournal } from "./journal/file_journal.ts";
import type { NativeBatch, NativeDatabase } from "./rocksdb_binding.ts";
import { RocksdbEngine } from "./rocksdb_engine.ts";
import { openNative } from "./rocksdb_open.ts";

const EVERYTHING = { start: Buffer.of(0), end: Buffer.alloc(8, 0xff) };

/** Gives `body` a directory of its own and removes it afterwards. */
async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function put(key: string, value: string): Write {
  return { type: "put", key: Buffer.from(key), value: Buffer.from(value) };
}

async function assertOpenFails(path: string, kind: EngineErrorKind): Promise<EngineError> {
  const error = await assertRejects(() => RocksdbEngine.open(path), EngineError);
  assertEquals(error.kind, kind, error.message);
  assertMatch(error.message, /^Cannot .*[^.]$/);
  return error;
}

/** The same database, that tells of each batch whether it is to be synced. */
function watchSyncs(native: NativeDatabase, onWrite: (sync: boolean) => void): NativeDatabase {
  const watched = (): NativeBatch => {
    const batch = native.batch();
    return {
      put: (key, value) => batch.put(key, value),
      del: (key) => batch.del(key),
      write: (options, callback) => {
        onWrite(options.sync);
        batch.write(options, callback);
      },
    };
  };
  return new Proxy(native, {
    get: (target, name) => {
      if (name === "batch") return watched;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("RocksdbEngine.open() creates missing parent directories", async () => {
  await withDirectory(async (directory) => {
    const engine = await RocksdbEngine.open(`${directory}/data/node 1/db`);
    await engine.write([put("a", "1")], { sync: true });
    await engine.close();
    assert((await Deno.stat(`${directory}/data/node 1/db`)).isDirectory);
  });
});

Deno.test("RocksdbEngine.open() refuses a directory this process has open already", async () => {
  await withDirectory(async (directory) => {
    const engine = await RocksdbEngine.open(directory);
    const error = await assertOpenFails(directory, "locked");
    assert(error.message.includes(`'${directory}': it is in use`), error.message);
    assertInstanceOf(error.cause, Error);
    await engine.close();
    await (await RocksdbEngine.open(directory)).close();
  });
});

Deno.test("RocksdbEngine.open() names a path that is no directory", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    const own = await assertOpenFails(`${directory}/file`, "io");
    assert(own.message.includes(`'${directory}/file'`), own.message);
    const parent = await assertOpenFails(`${directory}/file/a/b`, "io");
    assert(parent.message.includes(`${directory}/file/a`), parent.message);
  });
});

Deno.test("RocksdbEngine.iterate() tells of an iterator that is closed while it reads", async () => {
  await withDirectory(async (directory) => {
    const engine = await RocksdbEngine.open(directory);
    for (let i = 0; i < 200; i++) {
      const key = Buffer.from(`key ${i}`);
      await engine.write([{ type: "put", key, value: Buffer.alloc(60_000) }], { sync: false });
    }
    const iterator = engine.iterate({ start: Buffer.of(0), end: Buffer.of(0x7e) });
    await iterator.next(1);
    const reading = assertRejects(() => iterator.next(64), EngineClosedError);
    await iterator.close();
    await reading;
    await engine.close();
  });
});

Deno.test("RocksdbEngine.open() names the permission it lacks", async () => {
  await withDirectory(async (directory) => {
    const script = `${import.meta.dirname}/testdata/open_once.ts`;
    const flags = ["--no-prompt", "--quiet", "--ignore-env", "--allow-read", "--allow-ffi"];
    const run = async (path: string, ...more: string[]): Promise<string> => {
      const args = ["run", ...flags, ...more, script, path];
      const command = new Deno.Command(Deno.execPath(), { args });
      return new TextDecoder().decode((await command.output()).stdout);
    };
    const own = `${directory}/a/b`;
    assertEquals(
      await run(own),
      `EngineError: Cannot create the directory '${own}': ` +
        `create it first, or grant --allow-read and --allow-write for where it is to be`,
    );
    assertEquals(await run(own, `--allow-write=${directory}/a`), "opened");
    assertEquals(
      await run(own),
      `EngineError: Cannot open the journal '${own}/journal': ` +
        `grant --allow-read and --allow-write for it`,
    );
    assertEquals(await run(own, `--allow-write=${own}`), "opened");
  });
});

Deno.test("RocksdbEngine.open() refuses damaged files and says the way out", async () => {
  await withDirectory(async (directory) => {
    await (await RocksdbEngine.open(directory)).close();
    await Deno.writeTextFile(`${directory}/CURRENT`, "nonsense");
    const error = await assertOpenFails(directory, "corruption");
    assert(error.message.includes("rejoin as a new member"), error.message);
  });
});

Deno.test("RocksdbEngine.get() refuses a damaged table instead of serving it", async () => {
  await withDirectory(async (directory) => {
    let engine = await RocksdbEngine.open(directory, { compression: false });
    await engine.write([put("a", "x".repeat(3_000))], { sync: false });
    await engine.close();
    // Opening moves the log's content into a table.
    await (await RocksdbEngine.open(directory, { compression: false })).close();
    const files = await Array.fromAsync(Deno.readDir(directory));
    const table = `${directory}/${files.find(({ name }) => name.endsWith(".sst"))?.name}`;
    const bytes = await Deno.readFile(table);
    bytes[1_500] = 0;
    await Deno.writeFile(table, bytes);
    engine = await RocksdbEngine.open(directory);
    const error = await assertRejects(() => engine.get(Buffer.from("a")), EngineError);
    assertEquals(error.kind, "corruption");
    await assertRejects(() => engine.getMany([Buffer.from("a")]), EngineError);
    await engine.close();
  });
});

Deno.test("RocksdbEngine.write() has the database sync what must outlive a power cut, and nothing else", async () => {
  await withDirectory(async (path) => {
    const syncs: boolean[] = [];
    const database = watchSyncs(await openNative(path, {}), (sync) => syncs.push(sync));
    const journal = await FileJournal.open(`${path}/journal`);
    const engine = new RocksdbEngine({ path, database, marks: undefined, journal });
    await engine.write([put("a", "1")], { sync: false });
    await engine.write([put("a", "2")], { sync: true });
    assertEquals(syncs, [false, true]);
    await engine.close();
  });
});

Deno.test("RocksdbEngine keeps no snapshot once iterators and scans are over", async () => {
  await withDirectory(async (directory) => {
    const engine = await RocksdbEngine.open(directory);
    await engine.write([put("a", "1"), put("b", "2")], { sync: false });
    const iterator = engine.iterate(EVERYTHING);
    await iterator.next(1);
    assertEquals(engine.stats().properties["num-snapshots"], 1);
    await iterator.close();
    await engine.scan(EVERYTHING, { limit: 1 });
    await engine.clearRange(EVERYTHING);
    await engine.iterate({ start: Buffer.of(2), end: Buffer.of(1) }).close();
    assertEquals(engine.stats().properties["num-snapshots"], 0);
    await engine.close();
  });
});

Deno.test("RocksdbEngine.close() ends iterators that nobody closed", async () => {
  await withDirectory(async (directory) => {
    const engine = await RocksdbEngine.open(directory);
    await engine.write([put("a", "1"), put("b", "2")], { sync: false });
    const idle = engine.iterate(EVERYTHING);
    const busy = engine.iterate(EVERYTHING);
    const page = busy.next(10);
    await Promise.all([engine.close(), engine.close()]);
    assertEquals((await page).length, 2);
    await assertRejects(() => idle.next(1), EngineClosedError);
    await idle.close();
    await (await RocksdbEngine.open(directory)).close();
  });
});

Deno.test("RocksdbEngine never shows its marks, whatever the range", async () => {
  await withDirectory(async (directory) => {
    const engine = await RocksdbEngine.open(directory);
    for (const key of ["a", "b", "\x7e", "\u00ff"]) {
      await engine.write([put(key, "")], { sync: false });
    }
    const all = await engine.scan(EVERYTHING, { limit: 4, reverse: true });
    assertEquals(all.map(({ key }) => `${key}`), ["\u00ff", "\x7e", "b", "a"]);
    assertEquals(await engine.scan({ start: Buffer.of(0x7f), end: Buffer.of(0x80) }), []);
    await engine.clearRange(EVERYTHING);
    assertEquals(await engine.scan(EVERYTHING), []);
    await engine.close();
    await (await RocksdbEngine.open(directory)).close();
  });
});

Deno.test("RocksdbEngine.stats() reports what a status page shows", async () => {
  await withDirectory(async (directory) => {
    const engine = await RocksdbEngine.open(directory);
    await engine.write([put("a", "1")], { sync: false });
    const { storageBytes, properties } = engine.stats();
    assert(storageBytes > 0);
    assertEquals(properties["is-write-stopped"], 0);
    assertEquals(properties["background-errors"], 0);
    await engine.close();
  });
});
