/** What the command lines print with `-o json`: an object a line. Pure. */
import type { KvError } from "../../rpc/errors.ts";

/** Grows when a field of the JSON output changes its meaning or goes. */
const JSON_SCHEMA = 1;

/** One line of JSON. */
export function jsonLine(value: object): string {
  return `${JSON.stringify({ schemaVersion: JSON_SCHEMA, ...value })}\n`;
}

/** Why something could not be asked, as a field of a JSON object; null if nothing went wrong. */
export function errorField(error: KvError | undefined) {
  return error === undefined ? null : { code: error.code, message: error.message };
}

/** Why a command failed; belongs on standard error, as the message does without JSON. */
export function errorJson({ code, message, maybe }: KvError): string {
  return jsonLine({ error: { code, message, maybe } });
}
