import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { systemClock } from "../../runtime/clock.ts";
import { InvariantError } from "../../runtime/invariant.ts";
import { EngineClosedError, EngineError } from "../engine.ts";
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
import { firstOfName, parseSegment, segmentName } from "./journal_segment.ts";

/** Three records of 100 bytes reach it: files begin with 1, 4, 7... */
const SMALL = { segmentBytes: 300 };

function namesOf(...firsts: number[]): string[] {
  return firsts.map(segmentName);
}

Deno.test("FileJournal keeps records for the next open, and numbers go on", async () => {
  await withDirectory(async (directory) => {
    for (let round = 0; round < 4; round++) {
      const journal = await FileJournal.open(directory, SMALL);
      assertEquals(journal.newest, 5 * round);
      assertEquals(await contentOf(journal), contentBetween(1, 5 * round, 100));
      await appendMany(journal, 5, 100);
      assertEquals(journal.newest, 5 * (round + 1));
      await journal.close();
    }
    assertEquals(await filesIn(directory), namesOf(1, 4, 7, 10, 13, 16, 19));
  });
});

Deno.test("FileJournal.bytes is what its files have, through new files, restarts and forgetting", async () => {
  await withDirectory(async (directory) => {
    const bytesOfFiles = async () => {
      const names = await filesIn(directory);
      const sizes = names.map(async (name) => (await Deno.stat(`${directory}/${name}`)).size);
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    };
    for (let round = 0; round < 4; round++) {
      const journal = await FileJournal.open(directory, SMALL);
      assertEquals(journal.bytes, await bytesOfFiles());
      await appendMany(journal, 5, 100);
      assertEquals(journal.bytes, await bytesOfFiles());
      await journal.forget(5 * round);
      assertEquals(journal.bytes, await bytesOfFiles());
      await journal.close();
    }
  });
});

Deno.test("FileJournal.open() creates the directory and its parents, and no file", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(`${directory}/a/b`);
    assertEquals(journal.newest, 0);
    assertEquals(await contentOf(journal), []);
    await journal.forget(10);
    await journal.close();
    assertEquals(await filesIn(`${directory}/a/b`), []);
  });
});

Deno.test("FileJournal.open() names a path that is no directory", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    const path = `${directory}/file/journal`;
    const error = await assertRejects(() => FileJournal.open(path), EngineError, path);
    assertEquals(error.kind, "io");
  });
});

Deno.test("FileJournal leaves files alone that are none of its own", async () => {
  await withDirectory(async (directory) => {
    const others = ["1.journal", "0000000000000001.journal.bak", "notes"];
    for (const name of others) await Deno.writeTextFile(`${directory}/${name}`, name);
    const journal = await FileJournal.open(directory, SMALL);
    await appendMany(journal, 7, 100);
    await journal.forget(7);
    await journal.close();
    assertEquals(await filesIn(directory), [...namesOf(7), ...others].sort());
    await (await FileJournal.open(directory)).close();
  });
});

Deno.test("FileJournal gives each file a salt of its own, which nobody can foresee", async () => {
  await withDirectory(async (directory) => {
    const salts = new Set<number>();
    for (const path of [`${directory}/a`, `${directory}/b`]) {
      const journal = await FileJournal.open(path, SMALL);
      await appendMany(journal, 9, 100);
      await journal.close();
      for (const name of await filesIn(path)) {
        const file = Buffer.from(await Deno.readFile(`${path}/${name}`));
        const first = firstOfName(name) ?? 0;
        salts.add(parseSegment(file, { path, first, isNewest: false })?.salt ?? 0);
      }
    }
    assertEquals(salts.size, 6);
  });
});

Deno.test("FileJournal puts a record larger than a file into one file", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory, SMALL);
    await appendMany(journal, 3, 5_000);
    await journal.close();
    assertEquals(await filesIn(directory), namesOf(1, 2, 3));
    const next = await FileJournal.open(directory, SMALL);
    assertEquals(await contentOf(next), contentBetween(1, 3, 5_000));
    await next.close();
  });
});

Deno.test("FileJournal.forget() removes whole files below the number, and never the newest", async () => {
  for (let below = 0; below <= 14; below++) {
    await withDirectory(async (directory) => {
      const journal = await FileJournal.open(directory, SMALL);
      await appendMany(journal, 11, 100);
      await journal.forget(below);
      const first = [10, 7, 4].find((number) => number <= below) ?? 1;
      assertEquals(
        await filesIn(directory),
        namesOf(1, 4, 7, 10).filter((_, i) => 3 * i + 1 >= first),
      );
      assertEquals(await contentOf(journal), contentBetween(first, 11, 100));
      await journal.forget(below);
      await journal.close();
      const next = await FileJournal.open(directory, SMALL);
      assertEquals(next.newest, 11);
      assertEquals(await contentOf(next), contentBetween(first, 11, 100));
      await next.close();
    });
  }
});

Deno.test("FileJournal.forget() keeps the newest record when it fills its file", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory, SMALL);
    await appendMany(journal, 6, 100);
    await journal.forget(1_000);
    await journal.close();
    assertEquals(await filesIn(directory), namesOf(4));
    const next = await FileJournal.open(directory, SMALL);
    await appendMany(next, 1, 100);
    assertEquals(await contentOf(next), contentBetween(4, 7, 100));
    await next.close();
  });
});

Deno.test("FileJournal.forget() may run beside appends", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory, SMALL);
    await appendMany(journal, 1, 100);
    for (let sequence = 2; sequence <= 40; sequence++) {
      const appended = journal.append([payloadOf(sequence, 100)]);
      await Promise.all([appended, journal.forget(sequence - 5)]);
    }
    await journal.close();
    const next = await FileJournal.open(directory, SMALL);
    assertEquals(await contentOf(next), contentBetween(34, 40, 100));
    await next.close();
  });
});

Deno.test("FileJournal keeps a copy of no payload: parts are free once a call resolves", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory);
    const part = Buffer.alloc(10);
    for (let i = 1; i <= 3; i++) await journal.append([part.fill(i), Buffer.of(0)]);
    const payloads = (await Array.fromAsync(journal.records())).map(({ payload }) => payload[9]);
    assertEquals(payloads, [1, 2, 3]);
    await journal.close();
  });
});

Deno.test("FileJournal refuses overlapping appends, and the first one is not harmed", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory);
    const first = journal.append([payloadOf(1, 100)]);
    await assertRejects(() => journal.append([payloadOf(2, 100)]), InvariantError, "one by one");
    await first;
    await appendMany(journal, 1, 100);
    assertEquals(await contentOf(journal), contentBetween(1, 2, 100));
    await journal.close();
  });
});

Deno.test("FileJournal.close() waits for calls under way, and is harmless again", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory, SMALL);
    await appendMany(journal, 4, 100);
    const calls = [journal.append([payloadOf(5, 100)]), journal.forget(4)];
    await Promise.all([journal.close(), journal.close(), ...calls]);
    await journal.close();
    const next = await FileJournal.open(directory, SMALL);
    assertEquals(await contentOf(next), contentBetween(4, 5, 100));
    await next.close();
  });
});

Deno.test("FileJournal rejects every call after close()", async () => {
  for (const count of [0, 1, 4]) {
    await withDirectory(async (directory) => {
      const journal = await FileJournal.open(directory, SMALL);
      await appendMany(journal, count, 100);
      await journal.close();
      const append = () => journal.append([payloadOf(1, 1)]);
      await assertRejects(append, EngineClosedError, `the journal '${directory}': it is closed`);
      await assertRejects(() => journal.forget(1), EngineClosedError);
      await assertRejects(() => contentOf(journal), EngineClosedError, "", `${count} records`);
    });
  }
});

for (const where of ["onLoop", "besideLoop"] as const) {
  Deno.test(`FileJournal fails every append after one whose sync failed, and says the same, ${where}`, async () => {
    await withDirectory(async (directory) => {
      const journal = await FileJournal.open(directory, { syncPolicy: always(where) });
      await appendMany(journal, 2, 100);
      const append = () => journal.append([payloadOf(3, 100)]);
      const broken = () => {
        throw new Error("Input/output error (os error 5)");
      };
      let error: EngineError;
      {
        using _now = replaced(Deno.FsFile.prototype, "syncDataSync", broken);
        using _later = replaced(Deno.FsFile.prototype, "syncData", () => Promise.try(broken));
        error = await assertRejects(
          append,
          EngineError,
          `Cannot write to the journal '${directory}'`,
        );
      }
      assertEquals(error.kind, "io");
      // The disk is fine again, but nobody knows what of the third record is on it.
      for (let i = 0; i < 2; i++) {
        assertStrictEquals(await assertRejects(append, EngineError), error);
      }
      await journal.close();
      const next = await FileJournal.open(directory);
      assert([2, 3].includes(next.newest));
      await next.close();
    });
  });
}

Deno.test("FileJournal waits for a quick disk on the event loop, for a slow one beside it", async () => {
  await withDirectory(async (directory) => {
    let nowMs = 0;
    const clock = { ...systemClock, now: () => nowMs };
    const journal = await FileJournal.open(directory, { clock });
    // Begins the file, which has a sync of its own.
    await appendMany(journal, 1, 100);
    const places: string[] = [];
    let diskMs = 0.1;
    using _now = replaced(Deno.FsFile.prototype, "syncDataSync", () => {
      places.push("on");
      nowMs += diskMs;
    });
    using _later = replaced(Deno.FsFile.prototype, "syncData", () => {
      places.push("beside");
      return Promise.resolve();
    });
    await appendMany(journal, 3, 100);
    diskMs = 60;
    await appendMany(journal, 4, 100);
    nowMs += 12_001;
    diskMs = 0.1;
    await appendMany(journal, 2, 100);
    await journal.append([payloadOf(1, 300 << 10)]);
    const expected = ["on", "on", "on", "on", "on", "beside", "beside", "on", "on", "beside"];
    assertEquals(places, expected);
    await journal.close();
  });
});

Deno.test("FileJournal says that the disk is full", async () => {
  await withDirectory(async (directory) => {
    const journal = await FileJournal.open(directory);
    await appendMany(journal, 1, 100);
    const full = () => {
      throw new Error("No space left on device (os error 28)");
    };
    using _ = replaced(Deno.FsFile.prototype, "writeSync", full);
    const append = () => journal.append([payloadOf(2, 100)]);
    const error = await assertRejects(append, EngineError, "the disk is full");
    assertEquals(error.kind, "diskFull");
    await journal.close();
  });
});
