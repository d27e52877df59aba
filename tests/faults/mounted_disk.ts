/** A file system that stands in the place of a directory of a node, if this machine lets us mount one. */

/** Mounts a file system of some kind on an empty directory. */
export type Mount = (directory: string) => Promise<void>;

export class MountedDisk {
  protected readonly directory: string;

  /** Use {@linkcode takeOver} first. */
  protected constructor(directory: string) {
    this.directory = directory;
  }

  /** Puts an ordinary directory with the same files in its place. */
  async unmount(): Promise<void> {
    const kept = `${this.directory}.kept`;
    await run("cp", "-a", `${this.directory}/.`, kept);
    await run("umount", this.directory);
    await Deno.remove(this.directory);
    await Deno.rename(kept, this.directory);
  }
}

/** Puts a file system in the place of a directory whose files it gets; nobody may use them. */
export async function takeOver(directory: string, mount: Mount): Promise<void> {
  const kept = `${directory}.kept`;
  await Deno.rename(directory, kept);
  await Deno.mkdir(directory);
  await mount(directory);
  await run("cp", "-a", `${kept}/.`, directory);
  await Deno.remove(kept, { recursive: true });
}

/** Why something cannot be mounted and tried out here; undefined if it can. */
export async function whyNot(mount: Mount, tryOut?: Mount): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "eraft_disk_" });
  const directory = `${folder}/disk`;
  await Deno.mkdir(directory);
  try {
    await mount(directory);
    try {
      await tryOut?.(directory);
    } finally {
      await run("umount", directory);
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** @throws {Error} In the command's own words, if it fails */
export async function run(command: string, ...args: string[]): Promise<void> {
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
