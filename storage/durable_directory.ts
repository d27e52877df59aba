/** Directories that outlive a power cut: a name is durable once the directory that it is in is synced. */
import { dirname } from "node:path";

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): void {
  using directory = Deno.openSync(path);
  directory.syncSync();
}

/**
 * Creates a directory, with its parents, if it is not there. Each of them is
 * durable before the next one is made in it: wherever that is broken off, only
 * the last one may have to be made durable by the next call.
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

/** Whoever may not look finds out when it makes the next one in it. */
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

/** In case a process that made it was killed before it came to that, which is not worth failing for. */
function syncPresent(path: string): void {
  try {
    syncDirectory(dirname(path));
  } catch {
    // It may be somebody else's, and not ours to read; what is made here is synced or fails.
  }
}
