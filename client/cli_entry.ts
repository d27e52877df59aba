/** From the process to a command line's `main` and back. */
import { checkDenoVersion } from "../runtime/version.ts";
import { exitError } from "./cli_exit.ts";

/** Runs a command line and ends the process with its exit code; one line if this Deno cannot run it. */
export async function runCommandLine(main: () => Promise<number>): Promise<never> {
  try {
    checkDenoVersion();
  } catch (error) {
    const line = error instanceof Error ? error.message : String(error);
    Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
    Deno.exit(exitError);
  }
  Deno.exit(await main());
}
