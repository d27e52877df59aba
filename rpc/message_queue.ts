/** Messages of one stream on their way from the carrier to their one reader. */
import { invariant } from "../runtime/invariant.ts";

export interface MessageQueueOptions {
  /** Told after each message handed to the reader, with the number that still wait. */
  readonly onTake?: (waiting: number) => void;
  /** Told when the reader stops before the end (`break` out of `for await`). */
  readonly onAbandon?: () => void;
}

/** An unbounded queue with one asynchronous reader; whoever pushes watches `waiting`. */
export class MessageQueue<T> implements AsyncIterable<T> {
  readonly #options: MessageQueueOptions;
  /** Invariant: empty while a reader waits. */
  #items: T[] = [];
  #head = 0;
  #reader: PromiseWithResolvers<IteratorResult<T, undefined>> | undefined;
  #ended = false;
  #error: Error | undefined;

  constructor(options: MessageQueueOptions = {}) {
    this.#options = options;
  }

  /** Number of messages nobody has read yet. */
  get waiting(): number {
    return this.#items.length - this.#head;
  }

  /** Adds a message; does nothing after the end. */
  push(item: T): void {
    if (this.#ended) return;
    if (this.#reader === undefined) {
      this.#items.push(item);
      return;
    }
    const reader = this.#reader;
    this.#reader = undefined;
    reader.resolve({ done: false, value: item });
    this.#options.onTake?.(0);
  }

  /** Ends the queue: the reader gets what waits, then the end. The first end counts. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reader?.resolve({ done: true, value: undefined });
    this.#reader = undefined;
  }

  /** Ends the queue with an error: the reader gets what waits, then the error. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#reader === undefined) this.#error = error;
    this.#reader?.reject(error);
    this.#reader = undefined;
  }

  /** Ends the queue with an error and throws away what waits. */
  abort(error: Error): void {
    this.#items = [];
    this.#head = 0;
    this.fail(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.#items = [];
        this.#head = 0;
        this.end();
        this.#options.onAbandon?.();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    if (this.waiting > 0) {
      const value = this.#items[this.#head] as T;
      this.#head++;
      if (this.#head === this.#items.length) {
        this.#items = [];
        this.#head = 0;
      } else if (this.#head >= 1_024) {
        this.#items.splice(0, this.#head);
        this.#head = 0;
      }
      this.#options.onTake?.(this.waiting);
      return Promise.resolve({ done: false, value });
    }
    if (this.#error !== undefined) {
      // Told once; who asks again finds the end, as with a generator that threw.
      const error = this.#error;
      this.#error = undefined;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    invariant(this.#reader === undefined, "Stream has one reader, and it waits for one message");
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }
}
