/** Running another program and telling why it failed. */

/**
 * Runs a program to its end.
 *
 * @returns What it printed on standard output
 * @throws {Error} With its last words when it fails
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { ...options.env, NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  if (code === 0) return decoder.decode(stdout);
  const words = `${decoder.decode(stderr)}\n${decoder.decode(stdout)}`.split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const stack = words.indexOf("Stack backtrace:");
  const told = stack < 0 ? words : words.slice(0, stack);
  const line = `${command} ${args[0] ?? ""}`.trim();
  throw new Error(`Cannot run '${line}': exit code ${code}: ${told.join("; ")}`);
}
