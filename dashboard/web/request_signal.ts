/** A request's outcome as a signal; a new request takes the place of the one before. */
import { type ReadonlySignal, signal } from "@preact/signals";

export type RequestState<T> =
  | { readonly kind: "idle" }
  | { readonly kind: "waiting" }
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "failed"; readonly error: unknown };

export class RequestSignal<T> {
  readonly #state = signal<RequestState<T>>({ kind: "idle" });
  #running: AbortController | null = null;

  get state(): ReadonlySignal<RequestState<T>> {
    return this.#state;
  }

  /** Starts a request. What an older one still brings is dropped. */
  async run(request: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#state.value = { kind: "waiting" };
    try {
      const value = await request(running.signal);
      if (this.#running === running) this.#state.value = { kind: "done", value };
    } catch (error) {
      if (this.#running === running) this.#state.value = { kind: "failed", error };
    }
  }

  /** Forgets what there was, and drops what is under way. */
  reset(): void {
    this.#running?.abort();
    this.#running = null;
    this.#state.value = { kind: "idle" };
  }
}
