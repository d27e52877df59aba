/** What is said about command lines that make no sense. */
import { FlagError, HelpRequested, VersionRequested } from "../../runtime/flags.ts";
import { EXIT_USAGE } from "./cli_exit.ts";

/** The words make no command. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** How the command is used; belongs on standard output, as eRaft has it, instead of the message. */
  readonly usage: string | undefined;
  /** What the usage alone does not tell. */
  readonly hint: string | undefined;

  constructor(message: string, usage?: string, hint?: string) {
    super(message);
    this.usage = usage;
    this.hint = hint;
  }
}

/** After the command every word is an argument, as with all Go tools; people forget that. */
const FLAG_HINT = "flags go before the command";

/** True for what looks like a flag, and not like a negative number. */
const isFlag = (word: string): boolean => /^--?[a-z]/.test(word);

/** To be put behind a message about a word that may have been meant as a flag. */
export function flagHint(word: string): string {
  return isFlag(word) ? `; ${FLAG_HINT}` : "";
}

/** A command that takes `max` words at most, or more than were given. */
export function wrongCount(
  verb: string,
  words: readonly string[],
  max: number,
  form: string,
): UsageError {
  const message = `Cannot ${verb} with ${words.length} argument${words.length === 1 ? "" : "s"}`;
  // Among too few words it is an argument that begins with a dash.
  const flag = words.length > max ? words.find(isFlag) : undefined;
  const hint = flag === undefined ? undefined : `Cannot use "${flag}" here; ${FLAG_HINT}`;
  return new UsageError(message, `Usage: ${form}\n`, hint);
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
  const { message, usage, hint } = error;
  if (usage !== undefined) output.stdout(usage);
  const why = usage === undefined ? message : hint;
  if (why !== undefined) output.stderr(`${why}\n`);
  return EXIT_USAGE;
}
