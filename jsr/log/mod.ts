/**
 * The part of @std/log's API that this project uses, for machines that cannot
 * reach JSR. Written from its documentation; behaves as version 0.224 does.
 */
export { BaseHandler, type BaseHandlerOptions, type FormatterFunction } from "./base_handler.ts";
export { type LevelName, type LogLevel, LogLevels } from "./levels.ts";
export { Logger, type LoggerOptions, LogRecord, type LogRecordOptions } from "./logger.ts";
