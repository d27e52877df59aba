/**
 * Planted bugs. Each is a patch of one place of the source, so that nothing of
 * it is ever in the program: it is applied to a copy, and the simulator must
 * find what it breaks.
 */

export interface Mutant {
  /** Kebab case. */
  readonly name: string;
  /** What goes wrong, in one sentence. */
  readonly breaks: string;
  /** From the root of the project. */
  readonly file: string;
  /** The text to replace; stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The code has moved on: the mutant has to be adapted to it. */
export class StaleMutantError extends Error {
  override readonly name = "StaleMutantError";
}

/**
 * The source with the bug in it.
 *
 * @throws {StaleMutantError} Unless the text to replace stands there exactly once
 */
export function plant({ name, file, find, replace }: Mutant, source: string): string {
  const times = source.split(find).length - 1;
  if (times !== 1) {
    throw new StaleMutantError(
      `Cannot plant mutant '${name}': the text to replace stands ${times} times in ${file}, ` +
        `not once: ${find}`,
    );
  }
  return source.replace(find, () => replace);
}
