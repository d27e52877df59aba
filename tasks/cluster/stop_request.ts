/** Being asked to stop, by Ctrl-C or by the system. */

const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * npx and the task runner pass a Ctrl-C on that the terminal also sends: repetitions within this
 * time are the same wish.
 */
const SAME_WISH_MS = 1000;

/** Listens for signals from its creation on; dispose it to get the default behaviour back. */
export class StopRequest implements Disposable {
  #stop = Promise.withResolvers<void>();
  #insist = Promise.withResolvers<void>();
  #firstAt: number | undefined;
  #onSignal = () => this.#receive();

  constructor() {
    for (const signal of SIGNALS) Deno.addSignalListener(signal, this.#onSignal);
  }

  /** Resolves at the first signal. */
  get stop(): Promise<void> {
    return this.#stop.promise;
  }

  /** Resolves at a later signal that is a wish of its own: stop now, whatever it costs. */
  get insist(): Promise<void> {
    return this.#insist.promise;
  }

  get requested(): boolean {
    return this.#firstAt !== undefined;
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, this.#onSignal);
  }

  #receive(): void {
    const now = performance.now();
    this.#firstAt ??= now;
    this.#stop.resolve();
    if (now - this.#firstAt > SAME_WISH_MS) this.#insist.resolve();
  }
}
