/** What disks do to the files of a database and its journal that nobody has open. */
import type { Draw } from "../sim/draw.ts";

/**
 * Files whose content matters: the journal, write-ahead logs, tables, and what
 * says which of these count. The latter are small and checked whole, so they
 * are hit less often.
 */
const KINDS: readonly (readonly [pattern: RegExp, weight: number])[] = [
  [/^journal\/\d+\.journal$/, 4],
  [/^\d+\.log$/, 4],
  [/^\d+\.sst$/, 4],
  [/^MANIFEST-\d+$/, 1],
  [/^CURRENT$/, 1],
];

interface StoredFile {
  readonly name: string;
  readonly bytes: number;
}

async function pickFile(directory: string, draw: Draw): Promise<StoredFile> {
  const files = await filesIn(directory);
  files.sort((a, b) => a.name < b.name ? -1 : 1);
  const ofKind = (pattern: RegExp) => files.filter(({ name }) => pattern.test(name));
  const present = KINDS.filter(([pattern]) => ofKind(pattern).length > 0);
  return draw.pick(ofKind(draw.weighted(present)));
}

/** Those with content, and those of the folders in it. */
async function filesIn(directory: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory) {
      const inside = await filesIn(`${directory}/${name}`);
      files.push(...inside.map((file) => ({ ...file, name: `${name}/${file.name}` })));
      continue;
    }
    const { size: bytes } = await Deno.stat(`${directory}/${name}`);
    if (bytes > 0) files.push({ name, bytes });
  }
  return files;
}

/**
 * Changes one bit of one file.
 *
 * @returns What was done, in words
 */
export async function flipBit(directory: string, draw: Draw): Promise<string> {
  const { name, bytes } = await pickFile(directory, draw);
  const at = draw.prng.below(bytes);
  using file = await Deno.open(`${directory}/${name}`, { read: true, write: true });
  const byte = new Uint8Array(1);
  await file.seek(at, Deno.SeekMode.Start);
  await file.read(byte);
  byte[0] = (byte[0] ?? 0) ^ (1 << draw.prng.below(8));
  await file.seek(at, Deno.SeekMode.Start);
  await file.write(byte);
  return `a bit of byte ${at} of ${bytes} in ${name}`;
}

/**
 * Cuts the end of one file off.
 *
 * @returns What was done, in words
 */
export async function tearOff(directory: string, draw: Draw): Promise<string> {
  const { name, bytes } = await pickFile(directory, draw);
  const lost = Math.min(bytes, draw.magnitude(1, bytes));
  await Deno.truncate(`${directory}/${name}`, bytes - lost);
  return `the last ${lost} of ${bytes} bytes in ${name}`;
}
