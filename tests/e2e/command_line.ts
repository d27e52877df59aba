/** Running the project's programs as a user does. */
import { PROJECT_ROOT } from "../../tasks/cluster/server_command.ts";
import { deadline } from "../../tasks/cluster/deadline.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** No command of a test takes longer on the slowest machine. */
const COMMAND_TIMEOUT_MS = 120_000;

/** Runs a program of the project to its end. */
export async function runProgram(main: string, ...args: string[]): Promise<CommandResult> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `${PROJECT_ROOT}/${main}`, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const output = child.output();
  const result = await deadline(output, COMMAND_TIMEOUT_MS, undefined);
  if (result === undefined) {
    child.kill("SIGKILL");
    await output;
    throw new Error(`Cannot wait for ${main} ${args.join(" ")}: ${COMMAND_TIMEOUT_MS} ms passed`);
  }
  const decoder = new TextDecoder();
  return {
    code: result.code,
    stdout: decoder.decode(result.stdout),
    stderr: decoder.decode(result.stderr),
  };
}
