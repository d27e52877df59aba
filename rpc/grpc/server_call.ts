/** What the calls of a gRPC server have in common, unary ones and streams. */
import type { Logger } from "../../runtime/logger.ts";
import { KvError } from "../errors.ts";
import type { CallContext } from "../service.ts";

/** A call that its server can end. */
export interface ServerCall {
  breakOff(error: KvError): void;
}

/** What a handler knows about its call; the signal is made when it is asked for. */
export abstract class ServerCallContext implements CallContext {
  #controller: AbortController | undefined;
  #reason: KvError | undefined;

  abstract readonly peer: string;

  abstract metadata(name: string): string | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  protected abort(reason: KvError): void {
    this.#reason ??= reason;
    this.#controller?.abort(reason);
  }
}

/** Why a handler is told to stop. */
export function callerGone(path: string): KvError {
  return new KvError("CANCELLED", `Cannot finish ${path}: the caller is gone or out of time`);
}

/** Errors that no handler should throw are the operator's business, too. */
export function logUnforeseen(logger: Logger, path: string, error: unknown): void {
  if (!(error instanceof KvError)) {
    logger.error("Handler failed in an unforeseen way", { path, error });
  }
}
