/** A disk that is small enough to be filled: a file system in memory, if this machine lets us mount one. */

/** Room for what a node writes in some minutes, and quickly filled. */
const SIZE = "48m";
const BALLAST = ".ballast";
const CHUNK_BYTES = 1 << 20;

/** Why no file system can be mounted here; undefined if one can. */
export async function whyNoTmpfs(): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "eraft_tmpfs_" });
  try {
    await mount(folder);
    await unmount(folder);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Deno.remove(folder);
  }
}

export class SmallDisk {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Puts the disk in the place of a directory whose files it takes over; nobody may use them. */
  static async mount(directory: string): Promise<SmallDisk> {
    const kept = `${directory}.kept`;
    await Deno.rename(directory, kept);
    await Deno.mkdir(directory);
    await mount(directory);
    await run("cp", "-a", `${kept}/.`, directory);
    await Deno.remove(kept, { recursive: true });
    return new SmallDisk(directory);
  }

  /** Takes all room that is left. */
  async fill(): Promise<void> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    using file = await Deno.open(`${this.#directory}/${BALLAST}`, { create: true, append: true });
    // Ever smaller pieces, down to the last byte.
    for (let bytes = CHUNK_BYTES; bytes >= 1;) {
      try {
        await file.write(chunk.subarray(0, bytes));
      } catch {
        bytes = Math.floor(bytes / 2);
      }
    }
  }

  async free(): Promise<void> {
    await Deno.remove(`${this.#directory}/${BALLAST}`);
  }

  /** Puts an ordinary directory with the same files in its place. */
  async unmount(): Promise<void> {
    const kept = `${this.#directory}.kept`;
    await run("cp", "-a", `${this.#directory}/.`, kept);
    await unmount(this.#directory);
    await Deno.remove(this.#directory);
    await Deno.rename(kept, this.#directory);
  }
}

async function mount(directory: string): Promise<void> {
  await run("mount", "-t", "tmpfs", "-o", `size=${SIZE}`, "eraft-faults", directory);
}

async function unmount(directory: string): Promise<void> {
  await run("umount", directory);
}

async function run(command: string, ...args: string[]): Promise<void> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(command, { args, stdin: "null" }).output();
  } catch (cause) {
    throw new Error(`Cannot run '${command}': ${cause}`, { cause });
  }
  if (output.success) return;
  const said = new TextDecoder().decode(output.stderr).trim();
  throw new Error(`Cannot ${command} ${args.at(-1)}: ${said}`);
}
