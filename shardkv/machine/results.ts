/** Results of writes and reads; those without a value are shared, never made anew. */
import { Result, ResultCode } from "../../proto/gen/shardkv.ts";
import { asBuffer } from "../../runtime/buffers.ts";

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
/** Largest value, in bytes, that a session keeps with a remembered reply. */
const KEPT_BYTES_MAX = 1_024;
/**
 * Stands for a mismatch whose value was not kept. No encoded result looks like
 * this: there is no field 0.
 */
const BARE_MISMATCH = Uint8Array.of(0);

function plain(code: ResultCode): Result {
  return Object.freeze({ code, value: NO_BYTES, hasValue: false });
}

/** Bytes of the values that one response still takes. */
export class ResponseRoom {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** 0 or less: it is full. */
  get bytesLeft(): number {
    return this.#bytesMax - this.#bytes;
  }

  /**
   * A result as it goes into the response. One whose value does not fit is replaced
   * by NOT_READY, so that the caller asks again. (The only results of writes with a
   * value are those of swaps that changed nothing.) The first value fits, whatever
   * its size.
   */
  take(result: Result): Result {
    const { length } = result.value;
    if (length === 0) return result;
    const fits = this.#bytes === 0 || this.#bytes + length <= this.#bytesMax;
    this.#bytes += length;
    return fits ? result : plainResults.NOT_READY;
  }
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

/**
 * The reply that a session remembers; empty for a plain OK. Of a mismatch with a
 * large value it keeps only that it was one: otherwise the values of clients that
 * are long gone would stay in the memory of all replicas for an hour.
 */
export function encodeResult(result: Result): Uint8Array {
  if (result === plainResults.OK) return NO_BYTES;
  if (result.code === ResultCode.RESULT_MISMATCH && result.value.length > KEPT_BYTES_MAX) {
    return BARE_MISMATCH;
  }
  return Result.encode(result).finish();
}

/** What {@linkcode encodeResult} made; undefined for a mismatch whose value was not kept. */
export function decodeResult(reply: Uint8Array): Result | undefined {
  if (reply.length === 0) return plainResults.OK;
  if (reply.length === 1 && reply[0] === BARE_MISMATCH[0]) return undefined;
  return Result.decode(asBuffer(reply));
}

function withValue(code: ResultCode, value: Uint8Array): Result {
  return { code, value: asBuffer(value), hasValue: true };
}
