/** What the tests of the journal share. */
import { createPrng, type Prng } from "../../runtime/prng.ts";
import type { Journal } from "./journal.ts";
import type { SyncPolicy } from "./sync_policy.ts";

/** Gives `body` a directory of its own and removes it afterwards. */
export async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Bytes that are the same for the same number, and hold no zero: a sector of zeros is a lost one. */
export function payloadOf(sequence: number, length: number): Buffer {
  return bytesFrom(createPrng(sequence), length);
}

export function bytesFrom(prng: Prng, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = 1 + prng.below(255);
  return bytes;
}

/** Appends records `newest + 1` to `newest + count`, each of `length` bytes. */
export async function appendMany(journal: Journal, count: number, length: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await journal.append([payloadOf(journal.newest + 1, length)]);
  }
}

/** Every record that is kept, as text that is easy to compare. */
export async function contentOf(journal: Journal): Promise<string[]> {
  const records = await Array.fromAsync(journal.records());
  return records.map(({ sequence, payload }) => `${sequence} ${payload.toString("base64")}`);
}

/** What `contentOf` tells of records that {@linkcode appendMany} wrote. */
export function contentBetween(first: number, last: number, length: number): string[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => {
    const sequence = first + i;
    return `${sequence} ${payloadOf(sequence, length).toString("base64")}`;
  });
}

/** Names of the files in a directory, oldest first. */
export async function filesIn(directory: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.map(({ name }) => name).sort();
}

export async function copyFiles(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for (const name of await filesIn(from)) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
}

export async function flipByte(path: string, at: number): Promise<void> {
  const bytes = await Deno.readFile(path);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 0xff;
  await Deno.writeFile(path, bytes);
}

/** Puts another method in place until disposed of. */
export function replaced<T extends object, K extends keyof T>(
  owner: T,
  name: K,
  method: T[K],
): Disposable {
  const original = owner[name];
  owner[name] = method;
  return { [Symbol.dispose]: () => void (owner[name] = original) };
}

/** For `FileJournalOptions.syncPolicy`: waits for every sync on the event loop, or for none. */
export function always(where: "onLoop" | "besideLoop"): SyncPolicy {
  return { isOnLoop: () => where === "onLoop", took() {} };
}
