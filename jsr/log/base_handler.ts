import { getLevelByName, getLevelName, type LevelName, type LogLevel } from "./levels.ts";
import type { LogRecord } from "./logger.ts";

export type FormatterFunction = (record: LogRecord) => string;

export interface BaseHandlerOptions {
  /** Default: the level's name, a blank, the message. */
  formatter?: FormatterFunction;
}

/** Takes records of its level and above, as text. */
export abstract class BaseHandler {
  #level: LogLevel;
  formatter: FormatterFunction;

  constructor(levelName: LevelName, options: BaseHandlerOptions = {}) {
    this.#level = getLevelByName(levelName);
    this.formatter = options.formatter ?? ((record) => `${record.levelName} ${record.msg}`);
  }

  get level(): LogLevel {
    return this.#level;
  }

  get levelName(): LevelName {
    return getLevelName(this.#level);
  }

  handle(record: LogRecord): void {
    if (this.#level <= record.level) this.log(this.format(record));
  }

  format(record: LogRecord): string {
    return this.formatter(record);
  }

  /** Writes one formatted record. */
  abstract log(msg: string): void;
}
