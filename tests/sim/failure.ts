/** How a run can fail, by class; each class has an exit code of its own. */
import { Violation } from "./observation.ts";

/** The healed system did not get well in time. */
export class LivenessFailure extends Error {
  override readonly name = "LivenessFailure";
}

/** A node gave up by itself, or something threw that nobody caught. */
export class CrashFailure extends Error {
  override readonly name = "CrashFailure";
}

export type FailureClass = "violation" | "liveness" | "crash";

export const EXIT_CODES = {
  ok: 0,
  /** A checker saw what must never happen. */
  violation: 1,
  /** The command line. */
  usage: 2,
  liveness: 3,
  crash: 4,
  /** All held, but too little happened to prove anything. */
  idle: 5,
} as const;

export function classOf(error: unknown): FailureClass {
  if (error instanceof Violation) return "violation";
  return error instanceof LivenessFailure ? "liveness" : "crash";
}

/** What a failure says of itself: the checker's item first, if there is one. */
export function describeFailure(error: unknown): string {
  if (error instanceof Violation) return `Violation of "${error.item}": ${error.message}`;
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\n  caused by ${stackOf(error.cause)}`;
  const text = error instanceof LivenessFailure
    ? `${error.name}: ${error.message}`
    : stackOf(error);
  return text + cause;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? String(error) : String(error);
}
