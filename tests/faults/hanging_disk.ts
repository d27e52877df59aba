/**
 * A disk that answers nothing for a while, as one behind a network or a failing
 * controller does: an ext4 file system in a file, which the kernel can freeze.
 * Whoever syncs or writes meanwhile cannot even be killed.
 */
import { MountedDisk, run, takeOver, whyNot } from "./mounted_disk.ts";

/** Room for what a node writes in some minutes; only what is written is taken. */
const SIZE_BYTES = 512 << 20;

/**
 * Freezes, waits and thaws, although somebody ends the suite meanwhile: a file
 * system that stays frozen keeps its node until somebody thaws it by hand.
 */
const HANG = `trap '' INT TERM HUP; fsfreeze -f "$1" && { sleep "$2"; fsfreeze -u "$1"; }`;

/** Why there can be none on this machine; undefined if there can. */
export function whyNoHangingDisk(): Promise<string | undefined> {
  return whyNot(mountImage, (directory) => hang(directory, 0));
}

export class HangingDisk extends MountedDisk {
  /** Puts the disk in the place of a directory whose files it takes over; nobody may use them. */
  static async mount(directory: string): Promise<HangingDisk> {
    await takeOver(directory, mountImage);
    return new HangingDisk(directory);
  }

  /** Resolves once the disk answers again. */
  async hang(ms: number): Promise<void> {
    await hang(this.directory, ms);
  }

  override async unmount(): Promise<void> {
    await super.unmount();
    await Deno.remove(imageOf(this.directory));
  }
}

async function mountImage(directory: string): Promise<void> {
  const image = imageOf(directory);
  await Deno.writeFile(image, new Uint8Array());
  await Deno.truncate(image, SIZE_BYTES);
  await run("mkfs.ext4", "-q", image);
  await run("mount", "-o", "loop", image, directory);
}

function imageOf(directory: string): string {
  return `${directory}.image`;
}

async function hang(directory: string, ms: number): Promise<void> {
  await run("sh", "-c", HANG, "sh", directory, `${ms / 1_000}`);
}
