/** `deno task compile`: builds single-file executables that need nothing installed. */
import { resolve } from "node:path";
import { PROJECT_ROOT } from "./cluster/server_command.ts";
import { BundleWay } from "./compile/bundle_way.ts";
import { compile } from "./compile/compile_way.ts";
import { type CompileOptions, parseCompileOptions } from "./compile/options.ts";
import type { Program } from "./compile/programs.ts";
import { gitRevision } from "./compile/revision.ts";
import { measureStart } from "./compile/start_time.ts";
import { runTask } from "./run_task.ts";

const encoder = new TextEncoder();
const print = (line: string) => void Deno.stdout.writeSync(encoder.encode(`${line}\n`));

/** Writes one program's executable. */
type Build = (program: Program, file: string) => Promise<void>;

async function run(options: CompileOptions): Promise<void> {
  const out = resolve(options.out);
  await Deno.mkdir(out, { recursive: true });
  const revision = options.revision ?? await gitRevision(PROJECT_ROOT);
  print(`Revision ${revision}, Deno ${Deno.version.deno}, for ${options.target ?? "this machine"}`);
  const build = await chooseWay(options, revision, out);
  for (const program of options.programs) {
    const file = `${out}/${program.name}`;
    await replace(file, (temporary) => build(program, temporary));
    print(await describe(file, program, options));
  }
}

/** Decides how to build, by trying Deno's own way on one program. */
async function chooseWay(
  { way, target, programs }: CompileOptions,
  revision: string,
  out: string,
): Promise<Build> {
  const official: Build = (program, file) =>
    compile(program, file, { root: PROJECT_ROOT, revision, target });
  const [first] = programs;
  if (way === "compile" || first === undefined) {
    print("By deno compile");
    return official;
  }
  if (way === "auto") {
    const trial = `${out}/.trial`;
    try {
      await official(first, trial);
      print("By deno compile");
      return official;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      print(`Not by deno compile: ${reason}`);
    } finally {
      await Deno.remove(trial).catch(() => {});
    }
  }
  print("By bundle: self-extracting files with this Deno inside");
  const bundleWay = await BundleWay.prepare(PROJECT_ROOT, revision);
  return (program, file) => bundleWay.build(program, file);
}

/** Replaces a file at once: it may be running. */
async function replace(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.new`;
  try {
    await write(temporary);
    await Deno.rename(temporary, file);
  } finally {
    await Deno.remove(temporary).catch(() => {});
  }
}

async function describe(file: string, { name }: Program, { target }: CompileOptions) {
  const mebibytes = ((await Deno.stat(file)).size / 2 ** 20).toFixed(1);
  if (target !== undefined) return `${name.padEnd(18)} ${mebibytes} MiB`;
  const { firstMs, laterMs } = await measureStart(file);
  return `${name.padEnd(18)} ${mebibytes} MiB, ` +
    `first start ${firstMs.toFixed(0)} ms, later ${laterMs.toFixed(0)} ms`;
}

/** Returns the exit code. */
function main(args: readonly string[]): Promise<number> {
  return runTask(() => run(parseCompileOptions(args)), () => true);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
