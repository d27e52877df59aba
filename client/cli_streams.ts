/** Where the command lines write: standard output, standard error, and files. */

/** What was to be written was not, as when the disk is full. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/**
 * Writes all of the bytes, or ends the process, as others do whose reader has seen enough.
 *
 * @throws {OutputError}
 */
export function writeAll(
  out: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  try {
    for (let done = 0; done < bytes.length;) done += out.writeSync(bytes.subarray(done));
  } catch (cause) {
    // As in `scan | head`.
    if (cause instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OutputError(`Cannot write the output: ${reason}`, { cause });
  }
}

const encoder = new TextEncoder();

/** Writes text to standard output. */
export function writeOut(text: string): void {
  writeAll(Deno.stdout, encoder.encode(text));
}

/** Writes text to standard error. */
export function writeError(text: string): void {
  writeAll(Deno.stderr, encoder.encode(text));
}
