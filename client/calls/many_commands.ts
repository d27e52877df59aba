/** Many commands for one caller: as many under way as is useful, the rest in waiting. */
import type { Result } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { CallTerms, Dispatcher } from "./dispatcher.ts";
import { type Command, PendingCall } from "./pending_call.ts";

/** Commands of one caller under way at once: enough to fill the batches of several groups. */
const MANY_IN_FLIGHT_MAX = 4_096;
/** Bytes of one caller's commands under way at once. */
const MANY_BYTES_IN_FLIGHT_MAX = 16 * 1_048_576;

export interface ManyOptions {
  readonly dispatcher: Dispatcher;
  readonly terms: CallTerms;
  /** What the whole is, for its error: "put 10 keys". */
  readonly what: string;
  /** Told of each result; `result.value` is a view on a message. */
  readonly onResult: (result: Result, index: number) => void;
}

/**
 * Carries out all commands, in no particular order.
 *
 * @throws {KvError} The first failure, once nothing is under way any more; its
 *   `maybe` says whether any unacknowledged write may have happened
 */
export function executeMany(commands: readonly Command[], options: ManyOptions): Promise<void> {
  return new Promise((resolve, reject) => new Many(commands, options, resolve, reject).start());
}

class Many {
  readonly #commands: readonly Command[];
  readonly #options: ManyOptions;
  readonly #resolve: () => void;
  readonly #reject: (error: KvError) => void;
  readonly #completion = {
    resolve: (result: Result, call: PendingCall) => this.#onResult(result, call),
    reject: (error: KvError, call: PendingCall) => this.#onError(error, call),
  };
  #next = 0;
  #inFlight = 0;
  #bytes = 0;
  #done = 0;
  #feeding = false;
  #failure: KvError | undefined;
  #maybe = false;

  constructor(
    commands: readonly Command[],
    options: ManyOptions,
    resolve: () => void,
    reject: (error: KvError) => void,
  ) {
    this.#commands = commands;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    if (this.#commands.length === 0) this.#resolve();
    else this.#feed();
  }

  #feed(): void {
    // A call that is turned away ends within `submit`: the loop must not start over inside it.
    if (this.#feeding) return;
    this.#feeding = true;
    const { dispatcher, terms } = this.#options;
    while (this.#inFlight < MANY_IN_FLIGHT_MAX && this.#bytes < MANY_BYTES_IN_FLIGHT_MAX) {
      const command = this.#commands[this.#next];
      if (command === undefined || this.#failure !== undefined) break;
      const call = new PendingCall(command, this.#completion, this.#next++);
      this.#inFlight++;
      this.#bytes += call.bytes;
      dispatcher.submit(call, terms);
    }
    this.#feeding = false;
    if (this.#inFlight === 0) this.#finish();
  }

  #onResult(result: Result, call: PendingCall): void {
    this.#done++;
    this.#options.onResult(result, call.index);
    this.#settled(call);
  }

  #onError(error: KvError, call: PendingCall): void {
    this.#failure ??= error;
    this.#maybe ||= error.maybe;
    this.#settled(call);
  }

  #settled(call: PendingCall): void {
    this.#inFlight--;
    this.#bytes -= call.bytes;
    // Half empty, not one by one: what is added together travels together.
    if (this.#inFlight <= MANY_IN_FLIGHT_MAX / 2) this.#feed();
  }

  #finish(): void {
    const failure = this.#failure;
    if (failure === undefined) return this.#resolve();
    const count = `${this.#done} of ${this.#commands.length} done`;
    const message = `Cannot ${this.#options.what} (${count}): ${failure.message}`;
    this.#reject(new KvError(failure.code, message, { cause: failure, maybe: this.#maybe }));
  }
}
