/** The flags of every program that goes on until it is told to stop. */
import { boolFlag, choiceFlag } from "./flag_types.ts";
import { type LogFormat, logFormats, type LogLevel, logLevels } from "./logger.ts";

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
    choices: logLevels,
    help: "least severe messages to log",
  }),
  logFormat: choiceFlag({ default: "text", choices: logFormats, help: "format of the log" }),
  exitWithParent: boolFlag({ help: "stop when standard input ends" }),
} as const;
