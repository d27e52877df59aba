/** A folder that holds nothing but `output/`, as somebody has it who was handed the executables. */
import { deadline } from "../../tasks/cluster/deadline.ts";
import { PROJECT_ROOT } from "../../tasks/cluster/server_command.ts";
import type { CommandResult } from "./command_line.ts";

/** Packing takes five seconds on a quiet machine. */
const BUILD_TIMEOUT_MS = 240_000;
const COMMAND_TIMEOUT_MS = 60_000;

/** What a command is run with. */
export interface CommandEnvironment {
  /** Default `/usr/bin:/bin`. */
  readonly path?: string;
  readonly home?: string;
}

export class ExecutablesFolder {
  readonly directory: string;
  /** Where the executables unpack themselves, empty at first. */
  readonly cache: string;
  readonly #temporary: string;

  constructor(directory: string) {
    this.directory = directory;
    this.#temporary = `${directory}/tmp`;
    this.cache = `${this.#temporary}/eraft-${Deno.uid()}`;
  }

  /** An empty one. */
  static async create(): Promise<ExecutablesFolder> {
    const directory = await Deno.makeTempDir({ prefix: "eraft_executables_" });
    await Deno.mkdir(`${directory}/tmp`);
    return new ExecutablesFolder(directory);
  }

  /**
   * Runs `deno task compile` into a folder inside this one.
   *
   * @param runtime What Deno takes for its runtime for executables
   */
  async compile(runtime: string, out: string, ...args: string[]): Promise<CommandResult> {
    // A commit while the test runs would make the executables differ.
    const where = ["-revision=test", "-out", `${this.directory}/${out}`];
    return await run(Deno.execPath(), {
      args: ["task", "--quiet", "compile", ...where, ...args],
      env: { DENORT_BIN: runtime },
      cwd: PROJECT_ROOT,
    }, BUILD_TIMEOUT_MS);
  }

  /** Arguments for `env` that run a command line here with next to no environment. */
  args(line: string, { path = "/usr/bin:/bin", home }: CommandEnvironment = {}): string[] {
    const variables = [`PATH=${path}`, `TMPDIR=${this.#temporary}`];
    if (home !== undefined) variables.push(`HOME=${home}`);
    return ["-i", ...variables, "/bin/sh", "-c", `exec ${line}`];
  }

  /** Runs a command line to its end. */
  async run(line: string, environment: CommandEnvironment = {}): Promise<CommandResult> {
    const args = this.args(line, environment);
    return await run("/usr/bin/env", { args, cwd: this.directory }, COMMAND_TIMEOUT_MS);
  }

  /** Names of what is in the cache. */
  unpacked(): string[] {
    return [...Deno.readDirSync(this.cache)].map(({ name }) => name);
  }

  async remove(): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

async function run(
  command: string,
  options: Deno.CommandOptions,
  timeoutMs: number,
): Promise<CommandResult> {
  const child = new Deno.Command(command, {
    ...options,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const result = await deadline(output, timeoutMs, undefined);
  if (result === undefined) {
    child.kill("SIGKILL");
    await output;
    throw new Error(`Cannot wait for ${options.args?.join(" ")}: ${timeoutMs} ms passed`);
  }
  const decoder = new TextDecoder();
  const stdout = decoder.decode(result.stdout);
  return { code: result.code, stdout, stderr: decoder.decode(result.stderr) };
}
