/** Where the command lines write: standard output, standard error, and files. */
import { EXIT_OK } from "./cli_exit.ts";

/** What was to be written was not, as when the disk is full. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

interface Output {
  writeSync(bytes: Uint8Array): number;
}

/**
 * Writes all of the bytes.
 *
 * @throws {OutputError}
 */
export function writeAll(out: Output, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length;) done += out.writeSync(bytes.subarray(done));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OutputError(`Cannot write the output: ${reason}`, { cause });
  }
}

/**
 * Writes all of the bytes, unless they go to a pipe that nobody reads any more.
 *
 * @returns Whether somebody does
 * @throws {OutputError}
 */
export function writeIfRead(out: Output, bytes: Uint8Array): boolean {
  try {
    writeAll(out, bytes);
    return true;
  } catch (error) {
    const isBroken = error instanceof OutputError &&
      error.cause instanceof Deno.errors.BrokenPipe;
    if (!isBroken) throw error;
    return false;
  }
}

const encoder = new TextEncoder();

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? encoder.encode(data) : data;
}

/** Writes to standard output; whether somebody reads it does not change how the command ends. */
export function writeOut(data: string | Uint8Array): void {
  writeIfRead(Deno.stdout, bytesOf(data));
}

/** Writes to standard output, and ends the process once its reader has seen enough: `scan | head`. */
export function writeOutWhileRead(data: string | Uint8Array): void {
  if (!writeIfRead(Deno.stdout, bytesOf(data))) Deno.exit(EXIT_OK);
}

/** Writes text to standard error, if that can be: the exit code tells all the same. */
export function writeError(text: string): void {
  try {
    writeAll(Deno.stderr, encoder.encode(text));
  } catch (error) {
    // There is no other place to say it.
    if (!(error instanceof OutputError)) throw error;
  }
}
