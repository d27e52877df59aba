/** Executables by `deno compile`. */
import { v8FlagsOf } from "../v8_flags.ts";
import { runCommand } from "./command.ts";
import type { Program } from "./programs.ts";
import { revisionScript } from "./revision.ts";

export interface CompileWayOptions {
  readonly root: string;
  readonly revision: string;
  /** As Deno names it; undefined for this machine. */
  readonly target: string | undefined;
}

/**
 * Writes the executable of a program.
 *
 * @throws {Error} When it cannot be built, or does not run on this machine, which it is for
 */
export async function compile(
  program: Program,
  file: string,
  { root, revision, target }: CompileWayOptions,
): Promise<void> {
  const preload = await Deno.makeTempFile({ prefix: "eraft_revision_", suffix: ".js" });
  try {
    await Deno.writeTextFile(preload, revisionScript(revision));
    // Of RocksDB's package only the prebuilt libraries are needed, not its sources.
    const excluded = `${await Deno.realPath(`${root}/node_modules/rocksdb`)}/deps`;
    const args = [
      ...["compile", v8FlagsOf(program.main), "--quiet", "--no-check", "--no-prompt"],
      ...program.permissions,
      ...(program.hasDatabase ? ["--allow-ffi"] : []),
      ...["--exclude", excluded],
      ...(target === undefined ? [] : ["--target", target]),
      ...["--preload", preload, "--output", file, program.main],
    ];
    await runCommand(Deno.execPath(), args, { cwd: root });
  } finally {
    await Deno.remove(preload);
  }
  if (target !== undefined) return;
  const versions = await runCommand(file, ["-version"]);
  if (!versions.startsWith(`${program.name} `) || !versions.includes(revision)) {
    throw new Error(`Cannot use what deno compile made: '${file} -version' prints ${versions}`);
  }
}
