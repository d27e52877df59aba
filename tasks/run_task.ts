/** How a task of `deno task` ends: its exit code, and what is said about errors. */
import { FlagError, HelpRequested } from "../runtime/flags.ts";

const encoder = new TextEncoder();

/** Prints a line on standard error. */
export function complain(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`${line}\n`));
}

/**
 * Runs a task's program.
 *
 * @param program Returns the exit code, or nothing for 0
 * @param isExpected Whether an error's message says all there is to say: a stack would only hide it
 * @returns The exit code: 1 after an expected error, what the flags say if they are wrong or ask
 *   for help
 * @throws What `program` throws unexpectedly
 */
export async function runTask(
  program: () => Promise<number | void>,
  isExpected: (error: unknown) => boolean = () => false,
): Promise<number> {
  try {
    return (await program()) ?? 0;
  } catch (error) {
    if (error instanceof HelpRequested || error instanceof FlagError) {
      Deno.stderr.writeSync(encoder.encode(error.text));
      return error.exitCode;
    }
    if (!isExpected(error)) throw error;
    complain(error instanceof Error ? error.message : String(error));
    return 1;
  }
}
