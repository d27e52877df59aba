/** What is said about command lines that make no sense. */
import { FlagError, HelpRequested, VersionRequested } from "../../runtime/flags.ts";
import { EXIT_USAGE } from "./cli_exit.ts";

/** The words make no command. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** How the command is used; belongs on standard output, as eRaft has it. */
  readonly usage: string | undefined;

  constructor(message: string, usage?: string) {
    super(message);
    this.usage = usage;
  }
}

/** Where the explanation goes. */
interface UsageOutput {
  stdout(text: string): void;
  stderr(text: string): void;
}

/**
 * Says what is wrong, or how to do it right.
 *
 * @returns The exit code
 * @throws What is neither a wrong command line nor a request for help or the version
 */
export function explainUsage(error: unknown, output: UsageOutput): number {
  if (error instanceof HelpRequested || error instanceof FlagError) {
    output.stderr(error.text);
    return error.exitCode;
  }
  if (error instanceof VersionRequested) {
    output.stdout(error.text);
    return error.exitCode;
  }
  if (!(error instanceof UsageError)) throw error;
  if (error.usage === undefined) output.stderr(`${error.message}\n`);
  else output.stdout(error.usage);
  return EXIT_USAGE;
}
