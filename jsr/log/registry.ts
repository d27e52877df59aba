import type { BaseHandler } from "./base_handler.ts";
import type { LevelName } from "./levels.ts";
import { Logger } from "./logger.ts";

export interface LoggerConfig {
  level?: LevelName;
  /** Names of handlers in the same configuration. */
  handlers?: string[];
}

export interface LogConfig {
  handlers?: Record<string, BaseHandler>;
  loggers?: Record<string, LoggerConfig>;
}

const handlers = new Map<string, BaseHandler>();
const loggers = new Map<string, Logger>();

/** Replaces all handlers and loggers by the configured ones. */
export function setup(config: LogConfig): void {
  for (const handler of handlers.values()) handler.destroy();
  handlers.clear();
  for (const [name, handler] of Object.entries(config.handlers ?? {})) {
    handler.setup();
    handlers.set(name, handler);
  }
  loggers.clear();
  for (
    const [name, { level = "INFO", handlers: names = [] }] of Object.entries(config.loggers ?? {})
  ) {
    const own = names.map((each) => handlers.get(each)).filter((each) => each !== undefined);
    loggers.set(name, new Logger(name, level, { handlers: own }));
  }
}

/** The logger of that name, or `default`; a name that was not set up logs to nobody. */
export function getLogger(name = "default"): Logger {
  let logger = loggers.get(name);
  if (logger === undefined) {
    logger = new Logger(name, "NOTSET");
    loggers.set(name, logger);
  }
  return logger;
}
