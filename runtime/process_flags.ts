/** The flags of every program that goes on until it is told to stop. */
import { boolFlag, choiceFlag } from "./flag_types.ts";
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from "./logger.ts";

export interface ProcessSettings {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Stop when standard input ends. */
  readonly exitWithParent: boolean;
}

/** To be spread into a program's own. */
export const processFlags = {
  logLevel: choiceFlag({
    default: "info",
    choices: LOG_LEVELS,
    help: "least severe messages to log",
  }),
  logFormat: choiceFlag({ default: "text", choices: LOG_FORMATS, help: "format of the log" }),
  exitWithParent: boolFlag({ help: "stop when standard input ends" }),
} as const;
