/** Torn files, and real processes that are killed while they append. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FileJournal } from "./file_journal.ts";
import {
  contentBetween,
  contentOf,
  copyFiles,
  filesIn,
  payloadOf,
  withDirectory,
} from "./journal_fixture.ts";

const SMALL = { segmentBytes: 1_000 };
const SCRIPT = `${import.meta.dirname}/../testdata/endless_journal.ts`;

/** Appends a record of each length; returns what `contentOf` tells of them. */
async function appendAll(journal: FileJournal, lengths: readonly number[]): Promise<string[]> {
  const content: string[] = [];
  for (const length of lengths) {
    const sequence = journal.newest + 1;
    await journal.append([payloadOf(sequence, length)]);
    content.push(...contentBetween(sequence, sequence, length));
  }
  return content;
}

/** Opens a torn journal, goes on with it, and opens it once more. */
async function assertPrefix(directory: string, written: readonly string[]): Promise<number> {
  const journal = await FileJournal.open(directory, SMALL);
  const found = await contentOf(journal);
  assertEquals(found, written.slice(0, found.length));
  assertEquals(journal.newest, found.length);
  const more = await appendAll(journal, [1, 700, 9, 400]);
  await journal.close();
  const next = await FileJournal.open(directory, SMALL);
  assertEquals(await contentOf(next), [...found, ...more]);
  await next.close();
  return found.length;
}

Deno.test("FileJournal finds a prefix of a newest file cut at any length, and goes on", async () => {
  await withDirectory(async (directory) => {
    const whole = `${directory}/whole`;
    const journal = await FileJournal.open(whole, SMALL);
    const written = await appendAll(journal, [500, 490, 3, 16, 1, 120]);
    await journal.close();
    const newest = (await filesIn(whole)).at(-1) ?? "";
    const { size } = await Deno.stat(`${whole}/${newest}`);
    let longest = 0;
    for (let length = 0; length <= size; length++) {
      const torn = `${directory}/${length}`;
      await copyFiles(whole, torn);
      await Deno.truncate(`${torn}/${newest}`, length);
      const found = await assertPrefix(torn, written);
      assert(found >= longest, `${length} bytes hold ${found} records, fewer ${longest}`);
      longest = found;
      await Deno.remove(torn, { recursive: true });
    }
    assertEquals(longest, written.length);
  });
});

Deno.test("FileJournal finds a prefix of any records, its newest file cut anywhere", async () => {
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 1, max: 1_500 }), { minLength: 1, maxLength: 12 }),
    fc.array(fc.nat({ max: 999 }), { minLength: 1, maxLength: 3 }),
    (lengths, cuts) =>
      withDirectory(async (directory) => {
        const journal = await FileJournal.open(directory, SMALL);
        let written = await appendAll(journal, lengths);
        await journal.close();
        // Cut, gone on with, and cut again, as by one power cut after the other.
        for (const cut of cuts) {
          const newest = `${directory}/${(await filesIn(directory)).at(-1)}`;
          const { size } = await Deno.stat(newest);
          await Deno.truncate(newest, Math.floor((size * cut) / 999));
          await assertPrefix(directory, written);
          const next = await FileJournal.open(directory, SMALL);
          written = await contentOf(next);
          await next.close();
        }
      }),
  );
  await fc.assert(property, { numRuns: 60, seed: 20_260_101 });
});

/** Lets a writer run until it has acknowledged `count` more; returns the last number of all. */
async function killWriter(directory: string, count: number): Promise<number> {
  const args = ["run", "-A", "--quiet", SCRIPT, directory];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let killed = false;
  while (true) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
    if (!killed && text.split("\n").length > count) {
      child.kill("SIGKILL");
      killed = true;
    }
  }
  await child.status;
  // A line without its end may be part of a number only.
  return Math.max(0, ...text.split("\n").slice(0, -1).map(Number));
}

Deno.test("FileJournal finds all acknowledged records after a kill, and again", async () => {
  await withDirectory(async (directory) => {
    let before = 0;
    for (const count of [1, 30, 400, 7]) {
      const acknowledged = await killWriter(directory, count);
      assert(acknowledged >= before + count, `${acknowledged} after ${before} and ${count} more`);
      const journal = await FileJournal.open(directory);
      const records = await Array.fromAsync(journal.records());
      await journal.close();
      const first = records[0]?.sequence ?? 0;
      assert(first >= 1 && first <= Math.max(1, journal.newest - 40), `${first} is the oldest`);
      assert(journal.newest >= acknowledged, `${journal.newest} of ${acknowledged} survive`);
      assertEquals(records.length, journal.newest - first + 1);
      for (const [i, { sequence, payload }] of records.entries()) {
        assertEquals(sequence, first + i);
        const expected = Buffer.alloc((sequence * 37) % 1_000, sequence & 0xff);
        assert(payload.equals(Buffer.concat([Buffer.from(`${sequence} `), expected])));
      }
      before = journal.newest;
    }
    assert(before >= 438);
    assert((await filesIn(directory)).length < 15, "Old files are not removed");
  });
});
