/** The client of the whole store: keys in, values out, wherever they live. */
import { type Result, ResultCode, WriteOp } from "../proto/gen/shardkv.ts";
import type { Dialer } from "../rpc/service.ts";
import { type Clock, systemClock, TIMER_MS_MAX } from "../runtime/clock.ts";
import { createPrng, type Prng, randomSeed } from "../runtime/prng.ts";
import { type CallTerms, Dispatcher } from "./calls/dispatcher.ts";
import { executeMany } from "./calls/many_commands.ts";
import { Command, type Completion, type Condition, PendingCall } from "./calls/pending_call.ts";
import type { ConfigSource } from "./calls/routing.ts";
import { prefixEnd, type ScanRange, scanRange } from "./calls/scan.ts";
import { CtrlerClerk } from "./ctrler_clerk.ts";
import { keyBytes, valueBytes } from "./limits.ts";
import { groupStatus, type NodeStatus } from "./status/node_status.ts";

export type { NodeStatus, ShardStatus } from "./status/node_status.ts";

/** Time a call has unless it says otherwise, in milliseconds. */
const CALL_TIMEOUT_MS_DEFAULT = 30_000;
/** Longest time a call may ask for, in milliseconds. */
export const CALL_TIMEOUT_MS_MAX = TIMER_MS_MAX;

/** Text stands for its UTF-8 bytes; one with half a surrogate pair has none, and is refused. */
export type Data = Uint8Array | string;

export interface KvClerkOptions {
  /** Addresses of controllers, `host:port`; one that answers is enough. */
  readonly controllers: readonly string[];
  readonly dialer: Dialer;
  /** @default {systemClock} */
  readonly clock?: Clock | undefined;
  /** @default {a generator with a random seed} */
  readonly prng?: Prng | undefined;
  /** Time of a call in milliseconds. @default {30000} */
  readonly timeoutMs?: number | undefined;
  /** Close the dialer with the clerk. @default {false} */
  readonly ownsDialer?: boolean | undefined;
  /** Where configurations come from. @default {the controllers} */
  readonly source?: ConfigSource | undefined;
}

/** What every call may say. */
export interface CallOptions {
  /** Milliseconds from now. @default {the clerk's} */
  readonly timeoutMs?: number | undefined;
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

/** `undefined` stands for no value: expected absent, or to be deleted. */
export interface CasOptions extends CallOptions {
  readonly expected: Data | undefined;
  readonly value: Data | undefined;
}

export interface CasResult {
  readonly swapped: boolean;
  /** What the key holds now if it was not swapped: undefined if it is absent. */
  readonly current: Uint8Array | undefined;
}

export interface ScanOptions extends CallOptions {
  /** Only keys that begin with it; not together with `start` and `end`. */
  readonly prefix?: Data | undefined;
  /** First key, inclusive. @default {the first there is} */
  readonly start?: Data | undefined;
  /** Where to stop, exclusive. @default {after the last there is} */
  readonly end?: Data | undefined;
  /** Most pairs to give. @default {Infinity} */
  readonly limit?: number | undefined;
  /** Leave the values out. @default {false} */
  readonly keysOnly?: boolean | undefined;
}

export interface ScanEntry {
  readonly key: Uint8Array;
  /** Empty if only keys were asked for. */
  readonly value: Uint8Array;
}

/**
 * A client of a cluster; one is enough for a whole process, and concurrent
 * calls travel together. Reads are linearizable, and every write takes effect
 * at most once, however often it had to be sent.
 *
 * Each call ends within its time. It rejects with a `KvError` whose
 * message says what was tried and whose `maybe` says whether a write may have
 * happened all the same, or with a `RangeError` if a key is empty, a key or a
 * value is too large, a text has no UTF-8, or a time is out of range.
 */
export class KvClerk {
  readonly #options: KvClerkOptions;
  readonly #clock: Clock;
  readonly #prng: Prng;
  readonly #timeoutMs: number;
  readonly #source: ConfigSource;
  readonly #closeSource: () => void = () => {};
  readonly #dispatcher: Dispatcher;

  /**
   * @throws {TypeError} When there is no controller
   * @throws {RangeError} When `timeoutMs` is out of range
   */
  constructor(options: KvClerkOptions) {
    const { controllers, dialer, source, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#prng = options.prng ?? createPrng(randomSeed());
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? CALL_TIMEOUT_MS_DEFAULT);
    const shared = { controllers, dialer, clock, prng: this.#prng };
    if (source !== undefined) this.#source = source;
    else {
      const clerk = new CtrlerClerk(shared);
      this.#source = clerk;
      this.#closeSource = () => clerk.close();
    }
    this.#dispatcher = new Dispatcher({ ...shared, source: this.#source });
  }

  /** The value of a key, or undefined if there is none. */
  get(key: Data, call?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#execute(() => readOf(key), call, valueOf);
  }

  /** Sets the value of a key. */
  put(key: Data, value: Data, call?: CallOptions): Promise<void> {
    return this.#execute(() => putOf(key, value), call, nothing);
  }

  /** Appends to the value of a key; to nothing if there is none. */
  append(key: Data, value: Data, call?: CallOptions): Promise<void> {
    const command = () => new Command(WriteOp.WRITE_OP_APPEND, keyBytes(key), valueBytes(value));
    return this.#execute(command, call, nothing);
  }

  /** Removes a key. Tells whether it was there. */
  delete(key: Data, call?: CallOptions): Promise<boolean> {
    const command = () => new Command(WriteOp.WRITE_OP_DELETE, keyBytes(key));
    return this.#execute(command, call, wasThere);
  }

  /** Compare and swap: writes (or deletes) if the key holds what is expected, in one step. */
  cas(key: Data, options: CasOptions): Promise<CasResult> {
    return this.#execute(() => casOf(key, options), options, casResult);
  }

  /**
   * The values of many keys, in their order; each one read on its own. The time
   * of the call is that of each key from when its turn comes, not of the whole.
   */
  async getMany(keys: readonly Data[], call?: CallOptions): Promise<(Uint8Array | undefined)[]> {
    const values = new Array<Uint8Array | undefined>(keys.length);
    await executeMany(keys.map(readOf), {
      dispatcher: this.#dispatcher,
      terms: this.#terms(call),
      what: `get ${keys.length} keys`,
      onResult: (result, index) => {
        values[index] = valueOf(result);
      },
    });
    return values;
  }

  /**
   * Sets many keys, each on its own: not a transaction. Where a key comes
   * twice, its last value counts. The time of the call is that of each key from
   * when its turn comes, not of the whole.
   */
  async putMany(entries: Iterable<readonly [Data, Data]>, call?: CallOptions): Promise<void> {
    const last = new Map<string, Command>();
    for (const [key, value] of entries) {
      const command = putOf(key, value);
      last.set(command.key.toString("latin1"), command);
    }
    await executeMany([...last.values()], {
      dispatcher: this.#dispatcher,
      terms: this.#terms(call),
      what: `put ${last.size} keys`,
      onResult: () => {},
    });
  }

  /**
   * Goes through keys in the order of their bytes. Not a snapshot: a key that
   * exists throughout comes exactly once, one that is written meanwhile may or
   * may not. The time of the call is that of each page, not of the whole.
   *
   * @throws {TypeError} When there are a prefix and another bound
   * @throws {RangeError} When a bound is too long or has no UTF-8, the limit is not an integer of
   *   1 or more, or the time is out of range
   */
  scan(options: ScanOptions = {}): AsyncIterable<ScanEntry> {
    const { timeoutMs, signal } = this.#terms(options);
    const ended = this.#dispatcher.ended;
    return entriesOf(scanRange(rangeOf(options), {
      router: this.#dispatcher.router,
      dialer: this.#options.dialer,
      clock: this.#clock,
      prng: this.#prng,
      timeoutMs,
      signal: signal === undefined ? ended : AbortSignal.any([signal, ended]),
    }));
  }

  /** Every server of every group in the latest configuration; those that do not answer are Offline. */
  async status(call?: CallOptions): Promise<NodeStatus[]> {
    const { timeoutMs, signal } = this.#terms(call);
    const ended = this.#dispatcher.ended;
    const until = signal === undefined ? ended : AbortSignal.any([signal, ended]);
    const config = await this.#source.query(undefined, { timeoutMs, signal: until });
    return await groupStatus(config, this.#options.dialer, until);
  }

  /** Gives up the calls under way, with CANCELLED, and closes the connections. Safe to call again. */
  async close(): Promise<void> {
    this.#dispatcher.close();
    this.#closeSource();
    if (this.#options.ownsDialer) await this.#options.dialer.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #terms(call: CallOptions | undefined): CallTerms {
    const timeoutMs = call?.timeoutMs;
    return {
      timeoutMs: timeoutMs === undefined ? this.#timeoutMs : checkTimeout(timeoutMs),
      signal: call?.signal,
    };
  }

  /** One promise for a call, from the caller's hands to the answer: no further one in between. */
  #execute<Value>(
    command: () => Command,
    options: CallOptions | undefined,
    read: (result: Result) => Value,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const call = new PendingCall(command(), new Answer(resolve, reject, read));
      this.#dispatcher.submit(call, this.#terms(options));
    });
  }
}

/** What its caller makes of a result. */
class Answer<Value> implements Completion {
  readonly reject: (error: unknown) => void;
  readonly #resolve: (value: Value) => void;
  readonly #read: (result: Result) => Value;

  constructor(
    resolve: (value: Value) => void,
    reject: (error: unknown) => void,
    read: (result: Result) => Value,
  ) {
    this.#resolve = resolve;
    this.reject = reject;
    this.#read = read;
  }

  resolve(result: Result): void {
    this.#resolve(this.#read(result));
  }
}

function checkTimeout(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs <= CALL_TIMEOUT_MS_MAX) return timeoutMs;
  throw new RangeError(
    `Cannot use 'timeoutMs' ${timeoutMs}: it must be above 0 and at most ${CALL_TIMEOUT_MS_MAX}`,
  );
}

function readOf(key: Data): Command {
  return new Command(WriteOp.WRITE_OP_UNSPECIFIED, keyBytes(key));
}

function putOf(key: Data, value: Data): Command {
  return new Command(WriteOp.WRITE_OP_PUT, keyBytes(key), valueBytes(value));
}

function casOf(key: Data, { expected, value }: CasOptions): Command {
  const condition: Condition = {
    ...(expected === undefined ? { expectAbsent: true } : { expected: valueBytes(expected) }),
    deleteOnMatch: value === undefined,
  };
  const bytes = value === undefined ? undefined : valueBytes(value);
  return new Command(WriteOp.WRITE_OP_CAS, keyBytes(key), bytes, condition);
}

function rangeOf(options: ScanOptions): ScanRange {
  const { prefix, start, end, limit = Infinity, keysOnly = false } = options;
  if (prefix !== undefined && (start !== undefined || end !== undefined)) {
    throw new TypeError("Cannot scan by 'prefix' and by 'start' or 'end' at once");
  }
  if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw new RangeError(`Cannot use 'limit' ${limit}: it must be an integer of 1 or more`);
  }
  const from = boundOf(prefix ?? start);
  return {
    start: from,
    end: prefix === undefined ? boundOf(end) : prefixEnd(from),
    limit,
    keysOnly,
  };
}

/** A bound may be empty, which a key may not. */
function boundOf(bound: Data | undefined): Buffer {
  return bound === undefined || bound.length === 0 ? Buffer.alloc(0) : keyBytes(bound);
}

async function* entriesOf(
  pairs: AsyncIterable<{ key: Buffer; value: Buffer }>,
): AsyncIterable<ScanEntry> {
  for await (const { key, value } of pairs) {
    yield { key: new Uint8Array(key), value: new Uint8Array(value) };
  }
}

/** A copy, so that a small value does not keep the message it came in. */
function valueOf(result: Result): Uint8Array | undefined {
  return result.hasValue ? new Uint8Array(result.value) : undefined;
}

function wasThere(result: Result): boolean {
  return result.code === ResultCode.RESULT_OK;
}

function casResult(result: Result): CasResult {
  const swapped = result.code === ResultCode.RESULT_OK;
  return { swapped, current: swapped ? undefined : valueOf(result) };
}

function nothing(): void {}
