import type { LogRecord } from "./logger.ts";

/** One JSON object per record; a single argument stands for itself, several make an array. */
export function jsonFormatter(record: LogRecord): string {
  const { args } = record;
  return JSON.stringify({
    level: record.levelName,
    datetime: record.datetime.getTime(),
    message: record.msg,
    args: args.length > 1 ? args : args[0],
  });
}
