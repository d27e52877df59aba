/** The part of a {@linkcode KvError} that travels. */
import { type ErrorCode, KvError } from "./errors.ts";
import { ERROR_MESSAGE_CHARS_MAX } from "./limits.ts";

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly leader: string | undefined;
}

/** Printable ASCII: all that a metadata value may hold. */
const METADATA_VALUE = /^[\x21-\x7e]{1,255}$/;

/** What a handler threw, as the caller shall learn it. */
export function toWireError(error: unknown): WireError {
  const { code, message, leader } = KvError.from(error);
  const short = message.length > ERROR_MESSAGE_CHARS_MAX
    ? `${message.slice(0, ERROR_MESSAGE_CHARS_MAX)}…`
    : message;
  return {
    code,
    // A lone surrogate cannot be percent-encoded for the status line.
    message: short.toWellFormed(),
    leader: leader !== undefined && METADATA_VALUE.test(leader) ? leader : undefined,
  };
}

export function fromWireError(wire: WireError): KvError {
  return new KvError(wire.code, wire.message, { leader: wire.leader });
}
