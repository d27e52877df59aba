/** A disk that is small enough to be filled: a file system in memory. */
import { MountedDisk, run, takeOver, whyNot } from "./mounted_disk.ts";

/** Room for what a node writes in some minutes, and quickly filled. */
const SIZE = "48m";
const BALLAST = ".ballast";
const CHUNK_BYTES = 1 << 20;

/** Why there can be none on this machine; undefined if there can. */
export function whyNoSmallDisk(): Promise<string | undefined> {
  return whyNot(mountTmpfs);
}

export class SmallDisk extends MountedDisk {
  /** Puts the disk in the place of a directory whose files it takes over; nobody may use them. */
  static async mount(directory: string): Promise<SmallDisk> {
    await takeOver(directory, mountTmpfs);
    return new SmallDisk(directory);
  }

  /** Takes all room that is left. */
  async fill(): Promise<void> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    using file = await Deno.open(`${this.directory}/${BALLAST}`, { create: true, append: true });
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
    await Deno.remove(`${this.directory}/${BALLAST}`);
  }
}

async function mountTmpfs(directory: string): Promise<void> {
  await run("mount", "-t", "tmpfs", "-o", `size=${SIZE}`, "eraft-faults", directory);
}
