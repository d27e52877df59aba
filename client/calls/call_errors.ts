/** The errors with which a call ends that got no answer: what was tried, and what it may have done. */
import { WriteOp } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { PendingCall } from "./pending_call.ts";

/** Longest part of a key that is shown, in characters. */
const KEY_SHOWN_MAX = 64;

/** The call's time is up. */
export function expired(call: PendingCall): KvError {
  const within = `within ${Math.round(call.timeoutMs)} ms`;
  return givenUp("DEADLINE_EXCEEDED", `Cannot ${describe(call)} ${within}`, call, call.lastError);
}

/** The caller's signal was aborted. */
export function aborted(call: PendingCall, reason: unknown): KvError {
  return givenUp("CANCELLED", `Cannot ${describe(call)}: the caller gave up`, call, reason);
}

/** The clerk was closed. */
export function clerkClosed(call: PendingCall): KvError {
  return givenUp("CANCELLED", `Cannot ${describe(call)}: the clerk is closed`, call, undefined);
}

/** An answer, but not the one wanted: earlier attempts count too. */
export function refused(call: PendingCall, error: KvError): KvError {
  const message = `Cannot ${describe(call)}: ${lowerFirst(error.message)}`;
  const maybe = call.isWrite && (call.maybe || error.maybe);
  return new KvError(error.code, message, { cause: error, maybe, leader: error.leader });
}

function givenUp(
  code: "DEADLINE_EXCEEDED" | "CANCELLED",
  what: string,
  call: PendingCall,
  cause: unknown,
): KvError {
  const maybe = call.maybeIfGivenUp;
  return new KvError(code, `${what}: ${tried(call)}${outcome(call, maybe)}`, { cause, maybe });
}

function tried(call: PendingCall): string {
  const last = call.lastError;
  const attempts = call.attempts === 1 ? "1 attempt" : `${call.attempts} attempts`;
  if (call.attempts === 0) {
    if (last === undefined) return "it was never sent";
    // With the carrier's words: nothing else here tells whom it asked where the key is.
    return `it was never sent, because ${last.code}: ${last.message}`;
  }
  const where = `${attempts}, the last at ${call.lastAddress}`;
  return call.underWay || last === undefined
    ? `${where} without an answer`
    : `${where}: ${because(last)}`;
}

/** The error's code and text, without the carrier's words on which call it was and where to. */
function because(error: KvError): string {
  return `${error.code}: ${error.message.replace(/^Cannot finish \S+ at \S+: /, "")}`;
}

function outcome(call: PendingCall, maybe: boolean): string {
  if (!call.isWrite) return "";
  return maybe ? "; the write may have happened" : "; the write did not happen";
}

function describe(call: PendingCall): string {
  return `${verb(call.op)} key ${shown(call.key)}`;
}

function verb(op: WriteOp): string {
  switch (op) {
    case WriteOp.WRITE_OP_PUT:
      return "put";
    case WriteOp.WRITE_OP_APPEND:
      return "append to";
    case WriteOp.WRITE_OP_DELETE:
      return "delete";
    case WriteOp.WRITE_OP_CAS:
      return "compare and swap";
    default:
      return "get";
  }
}

/** A key as text where it is text, else in hexadecimal. */
function shown(key: Buffer): string {
  const text = key.toString("utf8");
  const readable = /^[^\p{C}\ufffd]*$/u.test(text);
  const whole = readable ? `'${text}'` : `0x${key.toString("hex")}`;
  return whole.length <= KEY_SHOWN_MAX ? whole : `${whole.slice(0, KEY_SHOWN_MAX)}...`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
