/** Checks that both carriers make before a call goes out. */
import { KvError } from "./errors.ts";
import { MessageQueue } from "./message_queue.ts";
import type { ClientStream } from "./service.ts";

/**
 * @throws {RangeError} When the timeout is no finite number: every call has a deadline
 * @throws {KvError} DEADLINE_EXCEEDED When no time is left
 */
export function assertTimeout(timeoutMs: number, path: string, address: string): void {
  if (!Number.isFinite(timeoutMs)) {
    throw new RangeError(`Cannot call ${path} with 'timeoutMs' ${timeoutMs}: it must be finite`);
  }
  if (timeoutMs > 0) return;
  throw new KvError("DEADLINE_EXCEEDED", `Cannot call ${path} at ${address}: no time is left`);
}

/** For a call whose signal was aborted before it began. */
export function cancelledBefore(path: string, address: string): KvError {
  return new KvError(
    "CANCELLED",
    `Cannot call ${path} at ${address}: the caller gave it up before it began`,
  );
}

/** For a call that its own caller ended. */
export function cancelledByCaller(path: string, address: string): KvError {
  return new KvError("CANCELLED", `Cannot finish ${path} at ${address}: the caller gave it up`);
}

/** For calls on a channel that was closed or forgotten. */
export function channelClosed(address: string): KvError {
  return new KvError("CANCELLED", `Cannot call ${address}: the channel was closed`);
}

/** A stream that broke before it began. */
export function failedStream<Request, Response>(error: KvError): ClientStream<Request, Response> {
  const responses = new MessageQueue<Response>();
  responses.fail(error);
  return { responses, send() {}, end() {}, cancel() {} };
}
