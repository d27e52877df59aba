/** Results of writes and reads; those without a value are shared, never made anew. */
import { Result, ResultCode } from "../proto/gen/shardkv.ts";

export type ResultName =
  | "OK"
  | "NO_KEY"
  | "MISMATCH"
  | "WRONG_GROUP"
  | "NOT_READY"
  | "STALE_SEQUENCE"
  | "VALUE_TOO_LARGE"
  | "TOO_MANY_SESSIONS"
  | "INVALID"
  | "SEPARATE";

const NO_BYTES = Buffer.alloc(0);

function plain(code: ResultCode): Result {
  return Object.freeze({ code, value: NO_BYTES, hasValue: false });
}

/** The results that carry no value. */
export const plainResults: Readonly<Record<ResultName, Result>> = {
  OK: plain(ResultCode.RESULT_OK),
  NO_KEY: plain(ResultCode.RESULT_NO_KEY),
  MISMATCH: plain(ResultCode.RESULT_MISMATCH),
  WRONG_GROUP: plain(ResultCode.RESULT_WRONG_GROUP),
  NOT_READY: plain(ResultCode.RESULT_NOT_READY),
  STALE_SEQUENCE: plain(ResultCode.RESULT_STALE_SEQUENCE),
  VALUE_TOO_LARGE: plain(ResultCode.RESULT_VALUE_TOO_LARGE),
  TOO_MANY_SESSIONS: plain(ResultCode.RESULT_TOO_MANY_SESSIONS),
  INVALID: plain(ResultCode.RESULT_INVALID),
  SEPARATE: plain(ResultCode.RESULT_SEPARATE),
};

/** A key's value. */
export function valueResult(value: Uint8Array): Result {
  return withValue(ResultCode.RESULT_OK, value);
}

/** What a compare-and-set found instead of what it expected. */
export function mismatchResult(current: Uint8Array | undefined): Result {
  if (current === undefined) return plainResults.MISMATCH;
  return withValue(ResultCode.RESULT_MISMATCH, current);
}

/** The reply a session remembers; empty for a plain OK. */
export function encodeResult(result: Result): Uint8Array {
  return result === plainResults.OK ? NO_BYTES : Result.encode(result).finish();
}

/** What {@linkcode encodeResult} made. */
export function decodeResult(reply: Uint8Array): Result {
  if (reply.length === 0) return plainResults.OK;
  return Result.decode(Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength));
}

function withValue(code: ResultCode, value: Uint8Array): Result {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { code, value: bytes, hasValue: true };
}
