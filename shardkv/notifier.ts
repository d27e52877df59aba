/** Wakes whoever waits for something to change; nobody may be waiting. */
export class Notifier {
  #waiting = Promise.withResolvers<void>();

  /** Resolves at the next `notify`. Ask before looking at what may change. */
  next(): Promise<void> {
    return this.#waiting.promise;
  }

  notify(): void {
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers();
  }
}
