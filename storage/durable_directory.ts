/**
 * Directories that survive a power cut: a name is durable only once the directory
 * that holds it is synced.
 */
import { dirname } from "node:path";

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): void {
  using directory = Deno.openSync(path);
  directory.syncSync();
}

/**
 * Creates a directory, with its parents, if it is not there. Each is made durable
 * before the next one is created in it. If a crash comes in between, only the last
 * one created may not be durable, and the next call makes it so.
 */
export async function makeDirectory(path: string): Promise<void> {
  const missing = await missingIn(path);
  syncPresent(missing.length === 0 ? path : dirname(missing[0] ?? path));
  for (const directory of missing) {
    // As RocksDB makes its own: nobody else is to write there, whatever the umask.
    await Deno.mkdir(directory, { mode: 0o755, recursive: true });
    syncDirectory(dirname(directory));
  }
}

/** Those of a directory and its parents that are not there, the outermost first. */
async function missingIn(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = path; !(await mayBeThere(at)); at = dirname(at)) missing.unshift(at);
  return missing;
}

/**
 * Whether the path may exist; true if this process may not look, as creating
 * something in it will tell.
 */
async function mayBeThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    return !isMissing || dirname(path) === path;
  }
}

/**
 * Makes a directory durable that was there before: whoever created it may have been
 * killed before doing so. A failure does not matter.
 */
function syncPresent(path: string): void {
  try {
    syncDirectory(dirname(path));
  } catch {
    // It may be somebody else's, and not ours to read; what is made here is synced or fails.
  }
}
