import { assertEquals, assertThrows } from "@std/assert";
import { BaseHandler, type LevelName, Logger, LogLevels, LogRecord } from "./mod.ts";

class ListHandler extends BaseHandler {
  readonly lines: string[] = [];

  constructor(levelName: LevelName = "NOTSET") {
    super(levelName);
  }

  override log(line: string): void {
    this.lines.push(line);
  }
}

Deno.test("Logger passes on its level and above, and so do its handlers", () => {
  const all = new ListHandler();
  const severe = new ListHandler("ERROR");
  const logger = new Logger("kv", "INFO", { handlers: [all, severe] });
  logger.debug("a");
  logger.info("b");
  logger.warn("c");
  logger.error("d");
  logger.critical("e");
  assertEquals(all.lines, ["INFO b", "WARN c", "ERROR d", "CRITICAL e"]);
  assertEquals(severe.lines, ["ERROR d", "CRITICAL e"]);
});

Deno.test("Logger calls a lazy message only if it is logged, and returns what was logged", () => {
  const handler = new ListHandler();
  const logger = new Logger("kv", "WARN", { handlers: [handler] });
  let calls = 0;
  const lazy = () => ++calls;
  assertEquals(logger.debug(lazy), undefined);
  assertEquals(logger.warn(lazy), 1);
  assertEquals(logger.debug("told"), "told");
  assertEquals([calls, handler.lines], [1, ["WARN 1"]]);
});

Deno.test("Logger changes its level only to one that exists", () => {
  const logger = new Logger("kv", "INFO");
  logger.level = LogLevels.DEBUG;
  assertEquals(logger.levelName, "DEBUG");
  logger.levelName = "ERROR";
  assertEquals(logger.level, 40);
  const unknown: string = "LOUD";
  assertThrows(() => logger.levelName = unknown as LevelName, Error, "LOUD");
});

Deno.test("LogRecord keeps its arguments from being changed", () => {
  const args = [1];
  const record = new LogRecord({ msg: "m", args, level: LogLevels.INFO, loggerName: "kv" });
  args.push(2);
  record.args.push(3);
  assertEquals([record.args, record.levelName, record.loggerName], [[1], "INFO", "kv"]);
});
