/** Runs a command line as a process. */
import { checkDenoVersion } from "../../runtime/version.ts";
import { EXIT_ERROR } from "./cli_exit.ts";
import { OutputError, writeError } from "./cli_streams.ts";

/**
 * Runs a command line and ends the process with its exit code; one line if this Deno cannot run it,
 * or what it says cannot be written.
 */
export async function runCommandLine(main: () => Promise<number>): Promise<never> {
  try {
    checkDenoVersion();
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  try {
    Deno.exit(await main());
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    fail(error.message);
  }
}

function fail(line: string): never {
  writeError(`${line}\n`);
  Deno.exit(EXIT_ERROR);
}
