/** The command lines of the tools that measure real processes. */
import { FlagError, HelpRequested } from "../../runtime/flags.ts";

/** Parses a tool's flags; ends the process with the explanation if that is all there is to do. */
export function parseOrExit<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof HelpRequested || error instanceof FlagError)) throw error;
    Deno.stderr.writeSync(new TextEncoder().encode(error.text));
    Deno.exit(error.exitCode);
  }
}
