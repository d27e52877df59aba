/** Power cuts and kills at any moment: what was acknowledged survives, and the journal can go on. */
import { assert, assertEquals } from "@std/assert";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import { FileJournal } from "./file_journal.ts";
import { always, appendMany, bytesFrom, withDirectory } from "./journal_fixture.ts";
import {
  afterPowerCut,
  type DiskMoment,
  emptyDisk,
  WatchedDisk,
  writeFiles,
} from "./power_cut_fixture.ts";

const SMALL = { segmentBytes: 2_000 };

/** What the journal has promised. */
interface Promises {
  /** All payloads ever appended, by number; later ones may never have been acknowledged. */
  readonly payloads: readonly Buffer[];
  readonly acknowledged: number;
  /** Records below may be gone. */
  readonly forgotten: number;
}

interface Moment {
  readonly disk: DiskMoment;
  readonly promises: Promises;
}

async function assertKept(journal: FileJournal, promises: Promises): Promise<void> {
  const { payloads, acknowledged, forgotten } = promises;
  const records = await Array.fromAsync(journal.records());
  const first = records[0]?.sequence ?? journal.newest + 1;
  const said = `${records.length} records from ${first} on, ${acknowledged} acknowledged`;
  assert(journal.newest >= acknowledged && journal.newest <= payloads.length, said);
  assert(first <= Math.max(1, Math.min(forgotten, journal.newest)), `${said}, below ${forgotten}`);
  assertEquals(records.length, journal.newest - first + 1, said);
  for (const [i, { sequence, payload }] of records.entries()) {
    assertEquals(sequence, first + i);
    assert(payloads[sequence - 1]?.equals(payload), `Record ${sequence} differs`);
  }
}

/** Opens and uses a journal; returns every moment at which that may have come to an end. */
async function use(directory: string, before: Moment, prng: Prng): Promise<Moment[]> {
  const moments = [before];
  let { promises } = before;
  await writeFiles(before.disk, directory);
  using _ = new WatchedDisk(directory, before.disk, (disk) => moments.push({ disk, promises }));
  const syncPolicy = always(prng.below(2) === 0 ? "onLoop" : "besideLoop");
  const journal = await FileJournal.open(directory, { ...SMALL, prng, syncPolicy });
  await assertKept(journal, promises);
  // What was found is built on, so that it must not be lost any more.
  const acknowledged = journal.newest;
  promises = { ...promises, payloads: promises.payloads.slice(0, acknowledged), acknowledged };
  for (let count = prng.below(8); count > 0; count--) {
    const payload = bytesFrom(prng, 1 + prng.below(prng.below(2) === 0 ? 100 : 3_000));
    promises = { ...promises, payloads: [...promises.payloads, payload] };
    const appended = journal.append([payload]);
    if (prng.below(3) === 0) {
      const below = prng.below(2) === 0 ? promises.acknowledged : promises.payloads.length + 1;
      promises = { ...promises, forgotten: Math.max(below, promises.forgotten) };
      await journal.forget(below);
    }
    await appended;
    promises = { ...promises, acknowledged: promises.payloads.length };
  }
  await journal.close();
  return moments;
}

/** One end after the other, each at some moment of the use before. */
async function surviveEnds(directory: string, prng: Prng): Promise<void> {
  const promises = { payloads: [], acknowledged: 0, forgotten: 0 };
  let moment: Moment = { disk: emptyDisk, promises };
  for (let round = 0; round < 6; round++) {
    const moments = await use(`${directory}/${round}`, moment, prng);
    moment = moments[prng.below(moments.length)] ?? moment;
    // Sometimes only the process is killed, and the disk's cache goes on.
    const isPowerCut = prng.below(3) > 0;
    if (isPowerCut) moment = { ...moment, disk: afterPowerCut(moment.disk, prng) };
  }
}

Deno.test("FileJournal keeps its promises whenever it is killed or the power is cut", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    await withDirectory(async (directory) => {
      try {
        await surviveEnds(directory, createPrng(seed));
      } catch (cause) {
        throw new Error(`Seed ${seed}`, { cause });
      }
    });
  }
});

Deno.test("FileJournal.open() makes the name of a new directory durable", async () => {
  await withDirectory(async (directory) => {
    using disk = new WatchedDisk(`${directory}/journal`);
    const journal = await FileJournal.open(`${directory}/journal`);
    await appendMany(journal, 1, 100);
    await journal.close();
    assert(disk.synced.includes(directory), `Only synced: ${disk.synced}`);
  });
});
