/** The error of a call that ran out of time, with what was tried on the way. */
import { KvError } from "../../rpc/errors.ts";

/** Where an attempt got stuck. */
export type AttemptStage = "connect" | "connection" | "answer" | "leader" | "server";

/** The last failure at one address. */
export interface FailedAttempt {
  readonly address: string;
  readonly stage: AttemptStage;
  readonly error: KvError;
}

/** What a {@linkcode DeadlineError} tells. */
export interface DeadlineErrorOptions {
  /** The call in a word or two, as in "Cannot finish <what>". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly tried: readonly FailedAttempt[];
  /** Whether an attempt to write may have taken effect; undefined if the call only reads. */
  readonly maybe: boolean | undefined;
}

/**
 * No server gave a final answer in time. `maybe` is more precise than that of
 * other errors: it is false if every attempt is known to have had no effect.
 */
export class DeadlineError extends KvError {
  readonly tried: readonly FailedAttempt[];
  readonly #maybe: boolean;

  constructor(options: DeadlineErrorOptions) {
    const { what, timeoutMs, tried, maybe } = options;
    const list = tried.map(({ address, stage, error }) =>
      `${address} (${stage}: ${reasonOf(error)})`
    );
    const reasons = [
      ...(maybe === undefined ? [] : [maybe ? "it may have taken effect" : "it had no effect"]),
      list.length > 0 ? `tried ${list.join(", ")}` : "nothing was tried",
    ];
    super(
      "DEADLINE_EXCEEDED",
      `Cannot finish ${what} within ${timeoutMs} ms: ${reasons.join("; ")}`,
    );
    this.tried = tried;
    this.#maybe = maybe ?? false;
  }

  override get maybe(): boolean {
    return this.#maybe;
  }
}

/** The error's text without what stands beside it already: which call it was, and where to. */
function reasonOf(error: KvError): string {
  return error.message.replace(/^Cannot \w+ \S+ at \S+: /, "");
}

/** How the carriers, of memory and of gRPC, word that there was no connection to begin with. */
const NEVER_SENT = /^Cannot reach |: No connection established|: Name resolution failed/;

/** Whether the failed attempt never left this machine: a server that was not reached did nothing. */
export function wasNeverSent(error: KvError): boolean {
  return error.code === "UNAVAILABLE" && NEVER_SENT.test(error.message);
}

/** Names the stage that an attempt's error speaks of. */
export function stageOf(error: KvError): AttemptStage {
  if (wasNeverSent(error)) return "connect";
  switch (error.code) {
    case "UNAVAILABLE":
      return "connection";
    case "DEADLINE_EXCEEDED":
      return "answer";
    case "NOT_LEADER":
    case "LEADERSHIP_LOST":
      return "leader";
    default:
      return "server";
  }
}
