/** Waiting with an end. */

/** What was waited for did not come in time. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** Settles as `promise` does, or with `otherwise` after `timeoutMs`; leaves no timer behind. */
export async function deadline<T, U>(
  promise: Promise<T>,
  timeoutMs: number,
  otherwise: U,
): Promise<T | U> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<U>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks again and again until the answer is not undefined.
 *
 * @throws {TimeoutError} When `timeoutMs` pass; `what` says what was waited for
 */
export async function until<T>(
  what: string | (() => string),
  timeoutMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
  intervalMs = 50,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() >= end) {
      const text = typeof what === "string" ? what : what();
      throw new TimeoutError(`Cannot go on after ${timeoutMs} ms: ${text}`);
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
