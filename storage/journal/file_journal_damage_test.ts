/** Files damaged on purpose: what was acknowledged is found, or the journal is refused. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../engine.ts";
import { RocksdbEngine } from "../rocksdb_engine.ts";
import { FileJournal } from "./file_journal.ts";
import {
  appendMany,
  contentBetween,
  contentOf,
  filesIn,
  flipByte,
  withDirectory,
} from "./journal_fixture.ts";
import { Segment, segmentName } from "./journal_segment.ts";

/** Three records of 100 bytes reach it: files begin with 1, 4, 7... */
const SMALL = { segmentBytes: 300 };

async function writeRecords(directory: string, count: number): Promise<void> {
  const journal = await FileJournal.open(directory, SMALL);
  await appendMany(journal, count, 100);
  await journal.close();
}

async function assertRefused(directory: string, what: string): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const before = await filesIn(directory);
    const error = await assertRejects(() => FileJournal.open(directory, SMALL), EngineError);
    assertEquals(error.kind, "corruption", error.message);
    assert(error.message.includes(what), `'${error.message}' does not tell '${what}'`);
    assert(error.message.includes(directory), error.message);
    // Nothing is repaired or removed: who looks at it later finds it as it was.
    assertEquals(await filesIn(directory), before);
  }
}

async function assertHolds(directory: string, first: number, last: number): Promise<void> {
  const journal = await FileJournal.open(directory, SMALL);
  assertEquals(journal.newest, last);
  assertEquals(await contentOf(journal), contentBetween(first, last, 100));
  await journal.close();
}

Deno.test("FileJournal.open() names the records of a file that is missing in the middle", async () => {
  for (const [gone, what] of [[4, "records 4 to 6 are missing"], [7, "records 7 to 9 are"]]) {
    await withDirectory(async (directory) => {
      await writeRecords(directory, 12);
      await Deno.remove(`${directory}/${segmentName(Number(gone))}`);
      await assertRefused(directory, String(what));
    });
  }
});

Deno.test("FileJournal.open() names all records of several missing files", async () => {
  await withDirectory(async (directory) => {
    await writeRecords(directory, 12);
    await Deno.remove(`${directory}/${segmentName(4)}`);
    await Deno.remove(`${directory}/${segmentName(7)}`);
    await assertRefused(directory, "records 4 to 9 are missing");
  });
});

Deno.test("FileJournal.open() refuses a file without records whose predecessor is gone", async () => {
  for (
    const begin of [
      (path: string) => Segment.begin(path, 4, 1).close(),
      (path: string) => Deno.writeFileSync(path, new Uint8Array(0)),
      (path: string) => Deno.writeFileSync(path, new Uint8Array(4_096)),
    ]
  ) {
    await withDirectory((directory) => {
      begin(`${directory}/${segmentName(4)}`);
      // The newest record is never removed, so there must be a file with the third.
      return assertRefused(directory, "missing");
    });
  }
});

Deno.test("FileJournal.open() refuses an older file with a flipped byte anywhere", async () => {
  await withDirectory(async (directory) => {
    await writeRecords(directory, 7);
    const path = `${directory}/${segmentName(4)}`;
    const whole = await Deno.readFile(path);
    for (let at = 0; at < whole.length; at++) {
      await flipByte(path, at);
      await assertRefused(directory, path);
      await Deno.writeFile(path, whole);
    }
    await assertHolds(directory, 1, 7);
  });
});

Deno.test("FileJournal.open() refuses an older file cut anywhere", async () => {
  await withDirectory(async (directory) => {
    await writeRecords(directory, 7);
    const path = `${directory}/${segmentName(4)}`;
    const whole = await Deno.readFile(path);
    for (let length = 0; length < whole.length; length++) {
      await Deno.writeFile(path, whole.subarray(0, length));
      await assertRefused(directory, directory);
    }
  });
});

Deno.test("FileJournal.open() refuses a newest file with a flipped byte before its last record", async () => {
  await withDirectory(async (directory) => {
    await writeRecords(directory, 6);
    const path = `${directory}/${segmentName(4)}`;
    const whole = await Deno.readFile(path);
    for (let at = 0; at < whole.length - 120; at++) {
      await flipByte(path, at);
      await assertRefused(directory, path);
      await Deno.writeFile(path, whole);
    }
  });
});

Deno.test("FileJournal.open() refuses a file that has the name of another", async () => {
  await withDirectory(async (directory) => {
    await writeRecords(directory, 9);
    await Deno.copyFile(`${directory}/${segmentName(4)}`, `${directory}/${segmentName(7)}`);
    await assertRefused(directory, segmentName(7));
  });
});

Deno.test("FileJournal.open() removes a newest file that holds nothing yet, and goes on", async () => {
  for (const length of [0, 1, 23, 24, 4_096]) {
    await withDirectory(async (directory) => {
      await writeRecords(directory, 6);
      await Deno.writeFile(`${directory}/${segmentName(7)}`, new Uint8Array(length));
      await assertHolds(directory, 1, 6);
      await writeRecords(directory, 4);
      await assertHolds(directory, 1, 10);
      assertEquals(await filesIn(directory), [1, 4, 7, 10].map(segmentName));
    });
  }
});

Deno.test("FileJournal.open() takes a first file that was never begun for an empty journal", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeFile(`${directory}/${segmentName(1)}`, new Uint8Array(7));
    await assertHolds(directory, 1, 0);
    await writeRecords(directory, 2);
    await assertHolds(directory, 1, 2);
  });
});

Deno.test("RocksdbEngine.open() refuses a damaged journal, and leaves the directory unlocked", async () => {
  await withDirectory(async (directory) => {
    const engine = await RocksdbEngine.open(directory);
    await appendMany(engine.journal, 2, 100);
    await engine.close();
    const path = `${directory}/journal/${segmentName(1)}`;
    await flipByte(path, 60);
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await assertRejects(() => RocksdbEngine.open(directory), EngineError, path);
      assertEquals(error.kind, "corruption");
    }
    await flipByte(path, 60);
    await (await RocksdbEngine.open(directory)).close();
  });
});
