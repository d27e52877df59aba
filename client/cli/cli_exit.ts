/** The exit codes of the command lines. */
import type { ErrorCode } from "../../rpc/errors.ts";

export const EXIT_OK = 0;
/** Refused or failed. */
export const EXIT_ERROR = 1;
/** The command line makes no sense. */
export const EXIT_USAGE = 2;
export const EXIT_NOT_FOUND = 3;
/** No answer in time. */
export const EXIT_UNAVAILABLE = 4;
/** Ended by the user, as shells tell it: 128 and the number of SIGINT. */
export const EXIT_INTERRUPTED = 130;

/** Codes that speak of the servers' health rather than of the request. */
const UNAVAILABLE_CODES: readonly ErrorCode[] = [
  "NOT_LEADER",
  "LEADERSHIP_LOST",
  "WRONG_GROUP",
  "NOT_READY",
  "OVERLOADED",
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
];

export function exitCodeOf(code: ErrorCode): number {
  return UNAVAILABLE_CODES.includes(code) ? EXIT_UNAVAILABLE : EXIT_ERROR;
}
