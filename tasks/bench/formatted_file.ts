/** Files that a task writes into the project, as the project's formatter wants them. */

/**
 * Writes the file and has it formatted: what is committed must pass `deno fmt --check`.
 *
 * @throws {Error} When the formatter cannot read what was written
 */
export async function writeFormatted(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text);
  const command = new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] });
  const { success, stderr } = await command.output();
  if (success) return;
  throw new Error(`Cannot format '${path}': ${new TextDecoder().decode(stderr).trim()}`);
}
