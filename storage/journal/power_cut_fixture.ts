/** A disk whose power can be cut, for tests: what is not synced may be lost, sector by sector. */
import type { Prng } from "../../runtime/prng.ts";
import { replaced } from "./journal_fixture.ts";

const SECTOR_BYTES = 512;

export const emptyDisk: DiskMoment = { durable: new Map(), seen: new Map() };

interface FileState {
  /** Content as of the last completed sync. */
  synced: Uint8Array;
  current: Uint8Array;
}

type Names = ReadonlyMap<string, FileState>;

/** What the disk was told up to one moment. */
export interface DiskMoment {
  /** Files by the names that are durable. */
  readonly durable: Names;
  /** Files by the names that a running process sees. */
  readonly seen: Names;
}

/**
 * Watches one directory, without folders in it. Names of files are durable
 * once the directory is synced, their content once they are.
 */
export class WatchedDisk implements Disposable {
  readonly #directory: string;
  readonly #onChange: (moment: DiskMoment) => void;
  readonly #paths = new WeakMap<Deno.FsFile, string>();
  readonly #files = new WeakMap<Deno.FsFile, FileState>();
  readonly #replaced: readonly Disposable[];
  readonly #seen: Map<string, FileState>;
  #durable: Names;
  /** Paths of files and directories, in the order they were synced. */
  readonly synced: string[] = [];

  /**
   * @param before What is on the disk and in its cache
   * @param onChange Told after everything that makes a difference to a power cut
   */
  constructor(
    directory: string,
    before: DiskMoment = emptyDisk,
    onChange: (moment: DiskMoment) => void = () => {},
  ) {
    this.#directory = directory;
    this.#onChange = onChange;
    const { durable, seen } = copyOf(before);
    this.#seen = new Map(seen);
    this.#durable = durable;
    this.#replaced = [...this.#watchNames(), ...this.#watchContent(), ...this.#watchSyncs()];
  }

  [Symbol.dispose](): void {
    for (const method of this.#replaced) method[Symbol.dispose]();
  }

  #watchNames(): Disposable[] {
    const { openSync, remove } = Deno;
    return [
      replaced(Deno, "openSync", (path, options) => {
        const file = openSync(path, options);
        this.#paths.set(file, String(path));
        const name = this.#nameOf(path);
        if (name === undefined) return file;
        const isNew = !this.#seen.has(name);
        const none = new Uint8Array(0);
        const state = this.#seen.get(name) ?? { synced: none, current: none };
        this.#seen.set(name, state);
        this.#files.set(file, state);
        if (isNew) this.#changed();
        return file;
      }),
      replaced(Deno, "remove", async (path, options) => {
        await remove(path, options);
        const name = this.#nameOf(path);
        if (name !== undefined && this.#seen.delete(name)) this.#changed();
      }),
    ];
  }

  #watchContent(): Disposable[] {
    const { prototype } = Deno.FsFile;
    const { writeSync, truncateSync } = prototype;
    const reread = (file: Deno.FsFile): void => {
      const state = this.#files.get(file);
      if (state === undefined) return;
      state.current = Deno.readFileSync(this.#paths.get(file) ?? "");
      this.#changed();
    };
    return [
      replaced(prototype, "writeSync", function (this: Deno.FsFile, bytes) {
        const written = writeSync.call(this, bytes);
        reread(this);
        return written;
      }),
      replaced(prototype, "truncateSync", function (this: Deno.FsFile, length) {
        truncateSync.call(this, length);
        reread(this);
      }),
    ];
  }

  #watchSyncs(): Disposable[] {
    const { prototype } = Deno.FsFile;
    const { sync, syncSync, syncData, syncDataSync } = prototype;
    const begin = (file: Deno.FsFile) => this.#beginSync(file);
    const inOne = (original: () => void) =>
      function (this: Deno.FsFile) {
        const end = begin(this);
        original.call(this);
        end();
      };
    const later = (original: () => Promise<void>) =>
      async function (this: Deno.FsFile) {
        const end = begin(this);
        await original.call(this);
        end();
      };
    return [
      replaced(prototype, "syncSync", inOne(syncSync)),
      replaced(prototype, "syncDataSync", inOne(syncDataSync)),
      replaced(prototype, "sync", later(sync)),
      replaced(prototype, "syncData", later(syncData)),
    ];
  }

  /** What is there now is durable once the returned function is called. */
  #beginSync(file: Deno.FsFile): () => void {
    const path = this.#paths.get(file) ?? "";
    const state = this.#files.get(file);
    const content = state?.current;
    const names = new Map(this.#seen);
    return () => {
      this.synced.push(path);
      if (state !== undefined && content !== undefined) state.synced = content;
      if (path === this.#directory) this.#durable = names;
      this.#changed();
    };
  }

  #nameOf(path: string | URL): string | undefined {
    const prefix = `${this.#directory}/`;
    return String(path).startsWith(prefix) ? String(path).slice(prefix.length) : undefined;
  }

  #changed(): void {
    this.#onChange(copyOf({ durable: this.#durable, seen: this.#seen }));
  }
}

/** What a power cut at that moment may leave, as the draws decide; all of it is durable. */
export function afterPowerCut({ durable, seen }: DiskMoment, prng: Prng): DiskMoment {
  const left = new Map<string, FileState>();
  for (const name of new Set([...durable.keys(), ...seen.keys()])) {
    // A name that was made or removed and not synced is in only one of them.
    const state = (prng.below(2) === 0 ? durable : seen).get(name);
    if (state === undefined) continue;
    const content = contentLeft(state, prng);
    left.set(name, { synced: content, current: content });
  }
  return { durable: left, seen: left };
}

/** Makes a directory of the files that a process sees at that moment. */
export async function writeFiles({ seen }: DiskMoment, to: string): Promise<void> {
  await Deno.mkdir(to);
  for (const [name, { current }] of seen) await Deno.writeFile(`${to}/${name}`, current);
}

/** A file in both stays one file, so that a sync shows in both. */
function copyOf({ durable, seen }: DiskMoment): DiskMoment {
  const copies = new Map<FileState, FileState>();
  const copyOfFile = (state: FileState): FileState => {
    const copy = copies.get(state) ?? { ...state };
    copies.set(state, copy);
    return copy;
  };
  const copyOfNames = (names: Names) =>
    new Map([...names].map(([name, state]) => [name, copyOfFile(state)]));
  return { durable: copyOfNames(durable), seen: copyOfNames(seen) };
}

function contentLeft({ synced, current }: FileState, prng: Prng): Uint8Array {
  const shorter = Math.min(synced.length, current.length);
  const longer = Math.max(synced.length, current.length);
  const lengths = [synced.length, current.length, shorter + prng.below(longer - shorter + 1)];
  const left = new Uint8Array(lengths[prng.below(lengths.length)] ?? 0);
  for (let start = 0; start < left.length; start += SECTOR_BYTES) {
    const from = prng.below(2) === 0 ? synced : current;
    left.set(from.subarray(start, Math.min(start + SECTOR_BYTES, left.length)), start);
  }
  return left;
}
