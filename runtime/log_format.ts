/** How a log record looks: a line of text for people, an object for machines. */
import type { LogRecord } from "@std/log";

/** Characters of one field's value; a log line is no place for a megabyte. */
const VALUE_CHARS_MAX = 4_096;

/** One line in the manner of Go's `log`; severities that need an eye are spelled out. */
export function formatText(record: LogRecord): string {
  const { datetime, levelName, msg } = record;
  const severity = levelName === "INFO" ? "" : `${levelName} `;
  let line = `${goTime(datetime)} ${severity}${oneLine(msg)}`;
  for (const [key, value] of Object.entries(fieldsOf(record))) {
    if (value !== undefined) line += ` ${key}=${quoteIfNeeded(asText(value, levelName))}`;
  }
  return line;
}

/** One object; fields stand beside the message, but never in place of it. */
export function formatJson(record: LogRecord): string {
  const { datetime, levelName, loggerName, msg } = record;
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fieldsOf(record))) {
    const plain = typeof value === "number" || typeof value === "boolean";
    if (value !== undefined) fields[key] = plain ? value : asText(value, levelName);
  }
  const head = { time: datetime.toISOString(), level: levelName, logger: loggerName, message: msg };
  return JSON.stringify({ ...fields, ...head });
}

function fieldsOf(record: LogRecord): Record<string, unknown> {
  const [fields] = record.args;
  return typeof fields === "object" && fields !== null ? { ...fields } : {};
}

function asText(value: unknown, levelName: string): string {
  const text = describe(value, levelName);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
}

function describe(value: unknown, levelName: string): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) {
    // Where an error came from matters once it should not have happened.
    return levelName === "ERROR" && value.stack ? value.stack : `${value.name}: ${value.message}`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, (_key, inner) => typeof inner === "bigint" ? `${inner}` : inner);
  } catch {
    return String(value);
  }
}

/** Keeps a line break in a message from looking like another line of the log. */
function oneLine(text: string): string {
  return text.replaceAll("\r", "\\r").replaceAll("\n", "\\n");
}

function quoteIfNeeded(text: string): string {
  return /^[^\s"=\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}

/** `2006/01/02 15:04:05` in local time. */
function goTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}/${two(date.getMonth() + 1)}/${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
