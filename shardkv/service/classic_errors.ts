/** eRaft's error strings. */
import { ResultCode } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";

export type ClassicErr =
  | "OK"
  | "ErrNoKey"
  | "ErrWrongGroup"
  | "ErrWrongLeader"
  | "ErrOutDated"
  | "ErrTimeout"
  | "ErrNotReady";

/**
 * The string for a failed call.
 *
 * @throws {KvError} The failure itself, if eRaft has no word for it
 */
export function classicErrOf(error: unknown): ClassicErr {
  const failure = KvError.from(error);
  switch (failure.code) {
    case "NOT_LEADER":
      return "ErrWrongLeader";
    case "WRONG_GROUP":
      return "ErrWrongGroup";
    case "NOT_READY":
    case "OVERLOADED":
      return "ErrNotReady";
    case "REFUSED":
      return "ErrOutDated";
    case "LEADERSHIP_LOST":
    case "UNAVAILABLE":
    case "DEADLINE_EXCEEDED":
      return "ErrTimeout";
    default:
      throw failure;
  }
}

/**
 * The string for a result.
 *
 * @throws {KvError} INVALID_ARGUMENT or OVERLOADED, where eRaft has no word
 */
export function classicErrOfResult(code: ResultCode): ClassicErr {
  switch (code) {
    case ResultCode.RESULT_OK:
      return "OK";
    case ResultCode.RESULT_NO_KEY:
      return "ErrNoKey";
    case ResultCode.RESULT_WRONG_GROUP:
      return "ErrWrongGroup";
    case ResultCode.RESULT_NOT_READY:
      return "ErrNotReady";
    case ResultCode.RESULT_STALE_SEQUENCE:
      return "ErrOutDated";
    case ResultCode.RESULT_VALUE_TOO_LARGE:
      throw new KvError("INVALID_ARGUMENT", "Cannot write: the value would become too large");
    case ResultCode.RESULT_TOO_MANY_SESSIONS:
      throw new KvError("OVERLOADED", "Cannot write: too many clients are remembered already");
    default:
      throw new KvError("INVALID_ARGUMENT", `Cannot write: the group answered ${code}`);
  }
}
