/** What must not be lost when a disk refuses, or when calls meet. */
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { EngineError } from "../engine.ts";
import { FileJournal } from "./file_journal.ts";
import {
  always,
  appendMany,
  contentBetween,
  contentOf,
  filesIn,
  payloadOf,
  replaced,
  withDirectory,
} from "./journal_fixture.ts";
import { Segment, segmentName } from "./journal_segment.ts";

/** Three records of 100 bytes reach it: files begin with 1, 4, 7... */
const SMALL = { segmentBytes: 300 };
const ALL = 1_000_000;

function namesOf(...firsts: number[]): string[] {
  return firsts.map(segmentName);
}

async function assertOpens(directory: string, first: number, last: number): Promise<void> {
  const journal = await FileJournal.open(directory, SMALL);
  assertEquals(await contentOf(journal), contentBetween(first, last, 100));
  await appendMany(journal, 1, 100);
  await journal.close();
}

Deno.test("FileJournal that cannot begin a file fails for good, and can be closed", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(`${directory}/journal`, SMALL);
    await appendMany(journal, 3, 100);
    await Deno.remove(`${directory}/journal`, { recursive: true });
    const append = () => journal.append([payloadOf(4, 100)]);
    const error = await assertRejects(append, EngineError, "Cannot write to the journal");
    assertEquals(error.kind, "io");
    await Deno.mkdir(`${directory}/journal`);
    assertStrictEquals(await assertRejects(append, EngineError), error);
    await journal.close();
  });
});

Deno.test("FileJournal.forget() keeps the newest record when no file could be begun", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory, SMALL);
    await appendMany(journal, 6, 100);
    // In the way of the next file.
    await Deno.mkdir(`${directory}/${segmentName(7)}`);
    await assertRejects(() => journal.append([payloadOf(7, 100)]), EngineError);
    await journal.forget(ALL);
    await Deno.remove(`${directory}/${segmentName(7)}`);
    assertEquals(await filesIn(directory), namesOf(4));
    await journal.close();
  });
});

Deno.test("FileJournal closes a file whose header cannot be written", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory);
    const full = () => {
      throw new Error("No space left on device (os error 28)");
    };
    using _ = replaced(Deno.FsFile.prototype, "writeSync", full);
    await assertRejects(() => journal.append([payloadOf(1, 100)]), EngineError, "disk is full");
    await journal.close();
    // The sanitizer finds a file that is still open.
  });
});

Deno.test("FileJournal.forget() keeps the last durable record while the next is written", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory, {
      ...SMALL,
      syncPolicy: always("besideLoop"),
    });
    await appendMany(journal, 3, 100);
    const disk = Promise.withResolvers<void>();
    using _sync = replaced(Deno.FsFile.prototype, "syncData", () => disk.promise);
    using _remove = replaced(Deno, "remove", (path) => Promise.resolve(Deno.removeSync(path)));
    const appended = journal.append([payloadOf(4, 100)]);
    const forgotten = journal.forget(ALL);
    // Gives forget() the time to do what it will.
    await filesIn(directory);
    // A power cut now may take the new file with its only record.
    assertEquals(await filesIn(directory), namesOf(1, 4));
    disk.resolve();
    await Promise.all([appended, forgotten]);
    await journal.forget(ALL);
    assertEquals(await filesIn(directory), namesOf(4));
    await journal.close();
  });
});

Deno.test("FileJournal.forget() keeps the newest record before a file without records", async () => {
  await withDirectory(async (directory) => {
    let journal = await FileJournal.open(directory, SMALL);
    await appendMany(journal, 3, 100);
    await journal.close();
    // What a power cut leaves between the header and the first record.
    Segment.begin(`${directory}/${segmentName(4)}`, 4, 1).close();
    journal = await FileJournal.open(directory, SMALL);
    assertEquals(journal.newest, 3);
    await journal.forget(ALL);
    await journal.close();
    await assertOpens(directory, 1, 3);
  });
});

Deno.test("FileJournal.forget() calls that overlap remove files in their order", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory, SMALL);
    await appendMany(journal, 12, 100);
    const removeInTruth = Deno.remove;
    const oldestAtRemoval: unknown[] = [];
    const remove = async (path: string | URL) => {
      const [oldest] = await filesIn(directory);
      oldestAtRemoval.push(`${directory}/${oldest}` === path ? "oldest" : `${path} of ${oldest}`);
      await removeInTruth(path);
    };
    using _ = replaced(Deno, "remove", remove);
    await Promise.all([4, 7, 10].map((below) => journal.forget(below)));
    assertEquals(oldestAtRemoval, ["oldest", "oldest", "oldest"]);
    await journal.close();
    await assertOpens(directory, 10, 12);
  });
});

Deno.test("FileJournal.forget() leaves no hole after a removal that failed", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory, SMALL);
    await appendMany(journal, 10, 100);
    {
      const refuse = () => Promise.reject(new Error("Input/output error (os error 5)"));
      using _ = replaced(Deno, "remove", refuse);
      const forget = () => journal.forget(4);
      await assertRejects(forget, EngineError, `Cannot remove from the journal '${directory}'`);
    }
    // It may fail again or take up the first file, but not go on to the second.
    await journal.forget(7).catch(() => {});
    await journal.close();
    const [oldest] = await filesIn(directory);
    await assertOpens(directory, oldest === segmentName(1) ? 1 : 7, 10);
  });
});
