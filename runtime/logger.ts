/** Where messages for the operator go; a thin port so that pure parts and tests need no set-up. */
import { BaseHandler, type LevelName, Logger as StdLogger, type LogRecord } from "@std/log";
import { formatJson, formatText } from "./log_format.ts";

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Drops everything; for tests. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/** Severities from the most talkative on. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

/** Where bytes go; `Deno.stderr` is one. */
export interface LogStream {
  /** @returns How many of the bytes were taken */
  writeSync(bytes: Uint8Array): number;
}

export interface CreateLoggerOptions {
  /** The program's name, told by the JSON format. */
  readonly name: string;
  /** Default `info`. */
  readonly level?: LogLevel;
  /**
   * `text` (the default): `2006/01/02 15:04:05 message key=value`, as Go's `log` begins its
   * lines; `json`: an object per line.
   */
  readonly format?: LogFormat;
  /** Default: standard error. */
  readonly stream?: LogStream;
}

/** A logger over @std/log. It never throws, not even when nobody reads its stream any more. */
export function createLogger(options: CreateLoggerOptions): Logger {
  const { name, level = "info", format = "text", stream = Deno.stderr } = options;
  const levelName = LEVEL_NAMES[level];
  const formatter = format === "json" ? formatJson : formatText;
  const handler = new StreamHandler(levelName, stream, formatter);
  const logger = new StdLogger(name, levelName, { handlers: [handler] });
  return {
    debug: (message, fields = {}) => void logger.debug(message, fields),
    info: (message, fields = {}) => void logger.info(message, fields),
    warn: (message, fields = {}) => void logger.warn(message, fields),
    error: (message, fields = {}) => void logger.error(message, fields),
  };
}

const LEVEL_NAMES: Readonly<Record<LogLevel, LevelName>> = {
  debug: "DEBUG",
  info: "INFO",
  warn: "WARN",
  error: "ERROR",
};

class StreamHandler extends BaseHandler {
  readonly #stream: LogStream;
  readonly #encoder = new TextEncoder();

  constructor(levelName: LevelName, stream: LogStream, formatter: (record: LogRecord) => string) {
    super(levelName, { formatter });
    this.#stream = stream;
  }

  override log(line: string): void {
    let rest = this.#encoder.encode(`${line}\n`);
    try {
      while (rest.length > 0) rest = rest.subarray(this.#stream.writeSync(rest));
    } catch {
      // Whoever read the log is gone; the work goes on without it.
    }
  }
}
