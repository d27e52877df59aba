/** The part of a {@linkcode KvError} that travels. */
import { type ErrorCode, KvError } from "./errors.ts";
import { errorMessageCharsMax } from "./limits.ts";

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly leader: string | undefined;
}

/** Printable ASCII: all that a metadata value may hold. */
const metadataValue = /^[\x21-\x7e]{1,255}$/;

/** What a handler threw, as the caller shall learn it. */
export function toWireError(error: unknown): WireError {
  const { code, message, leader } = KvError.from(error);
  const short = message.length > errorMessageCharsMax
    ? `${message.slice(0, errorMessageCharsMax)}…`
    : message;
  return {
    code,
    // A lone surrogate cannot be percent-encoded for the status line.
    message: short.toWellFormed(),
    leader: leader !== undefined && metadataValue.test(leader) ? leader : undefined,
  };
}

export function fromWireError(wire: WireError): KvError {
  return new KvError(wire.code, wire.message, { leader: wire.leader });
}
