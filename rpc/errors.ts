/** The one table of what can go wrong between processes, and what a caller may do about it. */
import { status as grpcStatus } from "@grpc/grpc-js";

/** Facts about an error code. */
export interface ErrorTraits {
  /** The gRPC status that carries it. */
  readonly status: number;
  /** A read that met it may be sent again, and a write with a session under the same number. */
  readonly retry: boolean;
  /** The write may have taken effect although it was not acknowledged. */
  readonly maybe: boolean;
}

const traits = {
  /** This replica does not lead; `leader` may name who does. */
  NOT_LEADER: {
    status: grpcStatus.FAILED_PRECONDITION,
    retry: true,
    maybe: false,
  },
  /** Leadership was lost while the write was under way. */
  LEADERSHIP_LOST: { status: grpcStatus.ABORTED, retry: true, maybe: true },
  /** The group does not serve the shard in its configuration. */
  WRONG_GROUP: {
    status: grpcStatus.FAILED_PRECONDITION,
    retry: true,
    maybe: false,
  },
  /** The shard is on its way, or the node is still starting. */
  NOT_READY: { status: grpcStatus.UNAVAILABLE, retry: true, maybe: false },
  /** A queue is full; try again later. */
  OVERLOADED: {
    status: grpcStatus.RESOURCE_EXHAUSTED,
    retry: true,
    maybe: false,
  },
  /** No answer, or the connection broke. */
  UNAVAILABLE: { status: grpcStatus.UNAVAILABLE, retry: true, maybe: true },
  DEADLINE_EXCEEDED: {
    status: grpcStatus.DEADLINE_EXCEEDED,
    retry: true,
    maybe: true,
  },
  CANCELLED: { status: grpcStatus.CANCELLED, retry: false, maybe: true },
  /** The request makes no sense; the message says why. */
  INVALID_ARGUMENT: {
    status: grpcStatus.INVALID_ARGUMENT,
    retry: false,
    maybe: false,
  },
  NOT_FOUND: { status: grpcStatus.NOT_FOUND, retry: false, maybe: false },
  ALREADY_EXISTS: {
    status: grpcStatus.ALREADY_EXISTS,
    retry: false,
    maybe: false,
  },
  /** The request is sound but the state of the cluster forbids it. */
  REFUSED: {
    status: grpcStatus.FAILED_PRECONDITION,
    retry: false,
    maybe: false,
  },
  /** The session is no longer remembered: whether the write happened cannot be told. */
  SESSION_EXPIRED: {
    status: grpcStatus.FAILED_PRECONDITION,
    retry: false,
    maybe: true,
  },
  UNIMPLEMENTED: {
    status: grpcStatus.UNIMPLEMENTED,
    retry: false,
    maybe: false,
  },
  INTERNAL: { status: grpcStatus.INTERNAL, retry: false, maybe: true },
} as const satisfies Record<string, ErrorTraits>;

export type ErrorCode = keyof typeof traits;

export const errorTraits: Readonly<Record<ErrorCode, ErrorTraits>> = traits;

export interface KvErrorOptions extends ErrorOptions {
  /** Address of the group's leader, if the replica knows it. */
  readonly leader?: string | undefined;
  /** Overrides what the code says about {@linkcode KvError.maybe}, by whoever knows better. */
  readonly maybe?: boolean | undefined;
}

/** An expected failure of a call, with a code to decide by and a text to read. */
export class KvError extends Error {
  override readonly name = "KvError";
  readonly code: ErrorCode;
  readonly leader: string | undefined;
  readonly #maybe: boolean;

  constructor(code: ErrorCode, message: string, options: KvErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.leader = options.leader;
    this.#maybe = options.maybe ?? traits[code].maybe;
  }

  /** The write may have taken effect although it was not acknowledged. */
  get maybe(): boolean {
    return this.#maybe;
  }

  /** Passes a KvError through and wraps everything else as INTERNAL, keeping the cause. */
  static from(error: unknown): KvError {
    if (error instanceof KvError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new KvError("INTERNAL", message, { cause: error });
  }
}

/** Whether `text` is one of the codes, for codes read off the wire. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(traits, text);
}
