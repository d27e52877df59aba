/** Writes down what clerks are asked and what they answer. */
import { Buffer } from "node:buffer";
import type { Data, KvClerk } from "../../client/kv_clerk.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Outcome } from "./history.ts";
import type {
  Bytes,
  RegisterInput,
  RegisterOperation,
  RegisterOutput,
  RegisterState,
} from "./register_model.ts";

/** The calls of a clerk that concern one key. */
export type KeyClerk = Pick<KvClerk, "get" | "put" | "append" | "delete" | "cas">;

/** A call that was begun, and its end once it has one. */
interface Entry {
  readonly client: number;
  readonly input: RegisterInput;
  readonly invoke: number;
  readonly invokeMs: number;
  end?: {
    readonly outcome: Outcome<RegisterOutput>;
    readonly return: number;
    readonly returnMs: number;
  };
}

/**
 * Records the history of any number of clerks in one process. Events are
 * numbered as they happen, which orders even those of one millisecond: a call
 * whose answer was there before another began came before it.
 */
export class HistoryRecorder {
  readonly #clock: Clock;
  readonly #entries: Entry[] = [];
  #events = 0;

  /** @param clock Gives the times to show; the order needs none */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A clerk that does the same and is written down as a client of this number. */
  wrap(clerk: KeyClerk, client: number): KeyClerk {
    return {
      get: (key, call) =>
        this.#record(client, { op: "get", key: bytesOf(key) }, () => clerk.get(key, call), valueOf),
      put: (key, value, call) =>
        this.#record(
          client,
          { op: "put", key: bytesOf(key), value: bytesOf(value) },
          () => clerk.put(key, value, call),
          () => ({ kind: "done" }),
        ),
      append: (key, value, call) =>
        this.#record(
          client,
          { op: "append", key: bytesOf(key), value: bytesOf(value) },
          () => clerk.append(key, value, call),
          () => ({ kind: "done" }),
        ),
      delete: (key, call) =>
        this.#record(
          client,
          { op: "delete", key: bytesOf(key) },
          () => clerk.delete(key, call),
          (existed) => ({ kind: "deleted", existed }),
        ),
      cas: (key, options) =>
        this.#record(
          client,
          {
            op: "cas",
            key: bytesOf(key),
            expected: optionalBytes(options.expected),
            value: optionalBytes(options.value),
          },
          () => clerk.cas(key, options),
          ({ swapped, current }) =>
            swapped ? { kind: "swapped" } : { kind: "mismatch", current: optionalBytes(current) },
        ),
    };
  }

  /** The history up to now. A write that is still under way may have taken effect. */
  operations(): RegisterOperation[] {
    return this.#entries.map(({ client, input, invoke, invokeMs, end }) => ({
      client,
      input,
      invoke,
      return: end?.return ?? this.#events,
      outcome: end?.outcome ?? unacknowledged(input),
      times: { invokeMs, returnMs: end?.returnMs },
    }));
  }

  async #record<T>(
    client: number,
    input: RegisterInput,
    call: () => Promise<T>,
    outputOf: (answer: T) => RegisterOutput,
  ): Promise<T> {
    const entry: Entry = { client, input, invoke: this.#events++, invokeMs: this.#clock.now() };
    this.#entries.push(entry);
    const finish = (outcome: Outcome<RegisterOutput>) => {
      entry.end = { outcome, return: this.#events++, returnMs: this.#clock.now() };
    };
    try {
      const answer = await call();
      finish({ kind: "ok", output: outputOf(answer) });
      return answer;
    } catch (error) {
      finish(hadNoEffect(error) ? { kind: "failed" } : unacknowledged(input));
      throw error;
    }
  }
}

function bytesOf(data: Data): Bytes {
  return Buffer.from(data as string).toString("latin1");
}

function optionalBytes(data: Data | undefined): RegisterState {
  return data === undefined ? undefined : bytesOf(data);
}

function valueOf(value: Uint8Array | undefined): RegisterOutput {
  return { kind: "value", value: optionalBytes(value) };
}

function unacknowledged(input: RegisterInput): Outcome<RegisterOutput> {
  return { kind: input.op === "get" ? "failed" : "maybe" };
}

/** Whether a call ended before it could change anything; what is not understood may have. */
function hadNoEffect(error: unknown): boolean {
  if (error instanceof KvError) return !error.maybe;
  // A key or value out of bounds is refused before it is sent.
  return error instanceof RangeError;
}
