import { assert, assertEquals, assertRejects } from "@std/assert";
import { dirname } from "node:path";
import { makeDirectory } from "./durable_directory.ts";
import { replaced, withDirectory } from "./journal/journal_fixture.ts";
import { WatchedDisk } from "./journal/power_cut_fixture.ts";
import { RocksdbEngine } from "./rocksdb_engine.ts";

/** The directories that are synced while `act` runs, in that order. */
async function syncedBy(act: () => Promise<void>): Promise<readonly string[]> {
  using disk = new WatchedDisk("/nowhere");
  await act();
  return disk.synced;
}

Deno.test("makeDirectory() makes the name of each directory durable before it makes the next in it", async () => {
  await withDirectory(async (directory) => {
    const made: string[] = [];
    const { mkdir } = Deno;
    const synced = await syncedBy(async () => {
      using _ = replaced(Deno, "mkdir", async (path, options) => {
        await mkdir(path, options);
        made.push(String(path));
      });
      await makeDirectory(`${directory}/a/b/c`);
    });
    assertEquals(made, [`${directory}/a`, `${directory}/a/b`, `${directory}/a/b/c`]);
    assertEquals(synced, [dirname(directory), directory, `${directory}/a`, `${directory}/a/b`]);
    assert((await Deno.stat(`${directory}/a/b/c`)).isDirectory);
  });
});

Deno.test("makeDirectory() makes up for a process that was killed when it had made a directory", async () => {
  await withDirectory(async (directory) => {
    assertEquals(await syncedBy(() => makeDirectory(directory)), [dirname(directory)]);
    const synced = await syncedBy(() => makeDirectory(`${directory}/a`));
    assertEquals(synced, [dirname(directory), directory]);
  });
});

Deno.test("makeDirectory() fails where it cannot sync what it made, but not for what was there", async () => {
  await withDirectory(async (directory) => {
    const { openSync } = Deno;
    let refused = dirname(directory);
    using _ = replaced(Deno, "openSync", (path, options) => {
      if (path === refused) throw new Deno.errors.PermissionDenied("Not yours");
      return openSync(path, options);
    });
    await makeDirectory(`${directory}/a`);
    refused = directory;
    await assertRejects(() => makeDirectory(`${directory}/b`), Deno.errors.PermissionDenied);
  });
});

Deno.test("RocksdbEngine.open() makes the names of its directory, of its parents and of its journal durable", async () => {
  await withDirectory(async (directory) => {
    const synced = await syncedBy(async () => {
      const engine = await RocksdbEngine.open(`${directory}/data/db`);
      await engine.close();
    });
    for (const path of [directory, `${directory}/data`, `${directory}/data/db`]) {
      assert(synced.includes(path), `Only synced: ${synced}`);
    }
  });
});
