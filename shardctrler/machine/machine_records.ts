/** The controller machine's small records. JSON: they are few, tiny, and read by people in trouble. Pure. */
import { isErrorCode } from "../../rpc/errors.ts";
import type { Refusal } from "../configuration/change.ts";

/** Stands for the number of the latest configuration while there is none. */
export const NO_CONFIG = -1;

/** What the machine remembers beside configurations and sessions. */
export interface MachineState {
  /** Number of the latest configuration, or {@linkcode NO_CONFIG}. */
  readonly configNum: number;
  /** Log time: the greatest time stamp of any command so far, whole milliseconds. */
  readonly timeMs: number;
}

export function encodeState({ configNum, timeMs }: MachineState): Buffer {
  return Buffer.from(JSON.stringify({ configNum, timeMs }));
}

/** @throws {SyntaxError} If the record makes no sense */
export function decodeState(record: Uint8Array): MachineState {
  const { configNum, timeMs } = parse(record);
  const isNum = isCount(configNum) || configNum === NO_CONFIG;
  if (isNum && isCount(timeMs)) return { configNum, timeMs };
  throw badRecord(record);
}

/** What a command did. A configuration goes by its number: it can be read, and a session stays small. */
export type ControllerReply =
  | { readonly kind: "config"; readonly num: number }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export function encodeReply(reply: ControllerReply): Uint8Array {
  const { kind } = reply;
  const value = kind === "config"
    ? { kind, num: reply.num }
    : { kind, code: reply.refusal.code, message: reply.refusal.message };
  return new TextEncoder().encode(JSON.stringify(value));
}

/** @throws {SyntaxError} If the record makes no sense */
export function decodeReply(record: Uint8Array): ControllerReply {
  const { kind, num, code, message } = parse(record);
  if (kind === "config" && isCount(num)) return { kind, num };
  if (kind === "refused" && typeof code === "string" && typeof message === "string") {
    // A code of a later version: the text still tells what happened.
    return { kind, refusal: { code: isErrorCode(code) ? code : "REFUSED", message } };
  }
  throw badRecord(record);
}

function parse(record: Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(new TextDecoder().decode(record));
  if (typeof value === "object" && value !== null) return { ...value };
  throw badRecord(record);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function badRecord(record: Uint8Array): SyntaxError {
  const text = new TextDecoder().decode(record.subarray(0, 100));
  return new SyntaxError(`Cannot read a record of the controller: ${text}`);
}
