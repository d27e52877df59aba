/** With what code the command lines end. */
import type { ErrorCode } from "../rpc/errors.ts";

export const exitOk = 0;
/** Refused or failed. */
export const exitError = 1;
/** The command line makes no sense. */
export const exitUsage = 2;
export const exitNotFound = 3;
/** No answer in time. */
export const exitUnavailable = 4;

/** Codes that speak of the servers' health rather than of the request. */
const unavailableCodes: readonly ErrorCode[] = [
  "NOT_LEADER",
  "LEADERSHIP_LOST",
  "WRONG_GROUP",
  "NOT_READY",
  "OVERLOADED",
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
];

export function exitCodeOf(code: ErrorCode): number {
  return unavailableCodes.includes(code) ? exitUnavailable : exitError;
}
