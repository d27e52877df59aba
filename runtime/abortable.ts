/** Waiting that can be given up. */

/**
 * Settles as `promise` does, or rejects as soon as the signal aborts; the
 * promise then goes on unheard. Leaves nothing behind on the signal.
 *
 * @throws The signal's reason once it is aborted
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const clean = () => signal.removeEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(clean);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
