/** Always-on assertions: a broken invariant is a bug, and the process must not go on with it. */

/** Thrown when the program finds itself in a state its author held to be impossible. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/**
 * Checks a condition the code relies on, in production too.
 *
 * @param condition What must hold
 * @param message Why it must hold, or a function that builds the message (hot paths)
 * @throws {InvariantError} If the condition is false
 */
export function invariant(
  condition: unknown,
  message: string | (() => string),
): asserts condition {
  if (!condition) {
    throw new InvariantError(typeof message === "string" ? message : message());
  }
}

/**
 * Marks a branch that the types rule out.
 *
 * @throws {InvariantError} Always
 */
export function unreachable(value: never): never {
  throw new InvariantError(`Reached a branch that the types rule out: ${String(value)}`);
}
