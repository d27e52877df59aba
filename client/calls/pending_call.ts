/** One command of a caller on its way: what it asks, how far it got, whom to tell. */
import { type Result, type WriteCommand, WriteOp } from "../../proto/gen/shardkv.ts";
import type { KvError } from "../../rpc/errors.ts";
import type { Moment } from "./moment.ts";

/** Bytes a command costs in a message besides its key and values, rounded up. */
const COMMAND_OVERHEAD_BYTES = 32;

const NONE = Buffer.alloc(0);

/** What a conditional write asks besides its key and value. */
export interface Condition {
  readonly expected?: Buffer;
  readonly expectAbsent?: boolean;
  readonly deleteOnMatch?: boolean;
}

/**
 * What a caller wants done. A class and no literal, as `Completion`s are: once
 * thousands of a literal have lived for long, which `putMany` is enough for,
 * V8 makes all that follow in old space, and whatever they point to with them
 * outlives its collection (docs/benchmark.md tells what that cost).
 */
export class Command {
  /** WRITE_OP_UNSPECIFIED: a read. */
  readonly op: WriteOp;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly condition: Condition | undefined;

  constructor(op: WriteOp, key: Buffer, value: Buffer = NONE, condition?: Condition) {
    this.op = op;
    this.key = key;
    this.value = value;
    this.condition = condition;
  }
}

/** Told once, with the command's result or with why there is none. */
export interface Completion {
  /** `result.value` is a view on a message: copy what is kept. */
  readonly resolve: (result: Result, call: PendingCall) => void;
  readonly reject: (error: KvError, call: PendingCall) => void;
}

/**
 * A command between its submission and its answer. It has the very shape of a
 * `WriteCommand`, so that a batch of calls is encoded without further objects.
 */
export class PendingCall implements WriteCommand {
  readonly op: WriteOp;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly expected: Buffer;
  readonly expectAbsent: boolean;
  readonly deleteOnMatch: boolean;
  /** Of a write that was sent; the same as long as it may have happened. 0 until then, and for reads. */
  sequence = 0;

  /** What the command costs in a message and in memory. */
  readonly bytes: number;
  /** Which of the caller's commands this is. */
  readonly index: number;
  /** Nothing more happens to a settled call; queues drop it when they meet it. */
  settled = false;
  /** On the client's clock, in milliseconds. */
  deadline = 0;
  /** When it first left; undefined while it never has. */
  firstSentAt: Moment | undefined = undefined;
  /** How often it had to wait before it was routed again. */
  waits = 0;
  /** How often it was sent on to another group at once, since it last waited. */
  hops = 0;
  /** How often it was sent. */
  attempts = 0;
  /** It travels right now, so that nobody can tell what became of it. */
  underWay = false;
  /** Some attempt may have taken effect although no answer said so. */
  maybe = false;
  lastError: KvError | undefined = undefined;
  /** Where it was sent last. */
  lastAddress: string | undefined = undefined;
  /** Takes back what listens to the caller's signal. */
  detach: (() => void) | undefined = undefined;
  /** Neighbours in the order of deadlines (deadlines.ts). */
  earlier: PendingCall | undefined = undefined;
  later: PendingCall | undefined = undefined;
  /** Time allowed, in milliseconds; names the list of deadlines it stands in. */
  timeoutMs = 0;

  readonly #completion: Completion;

  constructor(command: Command, completion: Completion, index = 0) {
    this.op = command.op;
    this.key = command.key;
    this.value = command.value;
    this.expected = command.condition?.expected ?? NONE;
    this.expectAbsent = command.condition?.expectAbsent ?? false;
    this.deleteOnMatch = command.condition?.deleteOnMatch ?? false;
    this.bytes = this.key.length + this.value.length + this.expected.length +
      COMMAND_OVERHEAD_BYTES;
    this.index = index;
    this.#completion = completion;
  }

  get isWrite(): boolean {
    return this.op !== WriteOp.WRITE_OP_UNSPECIFIED;
  }

  /** Notes that an attempt came to nothing, and what that says about the command. */
  attemptFailed(error: KvError): void {
    this.lastError = error;
    this.underWay = false;
    if (this.isWrite && error.maybe) this.maybe = true;
  }

  /** Whether the command may have taken effect if it is given up now. */
  get maybeIfGivenUp(): boolean {
    return this.isWrite && (this.maybe || this.underWay);
  }

  resolve(result: Result): void {
    this.#completion.resolve(result, this);
  }

  reject(error: KvError): void {
    this.#completion.reject(error, this);
  }
}
