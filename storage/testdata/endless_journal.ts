/**
 * A process to be killed: appends records to the journal in the directory given
 * as argument, forgets old ones, and prints each number once it is acknowledged.
 */
import { FileJournal } from "../journal/file_journal.ts";

/** Records that are kept at least. */
const KEPT_MIN = 40;

const [path = ""] = Deno.args;
// Small, so that files are begun and removed while it runs.
const journal = await FileJournal.open(path, { segmentBytes: 4_096 });
const encoder = new TextEncoder();

while (true) {
  const number = journal.newest + 1;
  const parts = [encoder.encode(`${number} `), new Uint8Array((number * 37) % 1_000).fill(number)];
  const appended = journal.append(parts);
  if (number % 25 === 0) await journal.forget(number - KEPT_MIN);
  await appended;
  Deno.stdout.writeSync(encoder.encode(`${number}\n`));
}
