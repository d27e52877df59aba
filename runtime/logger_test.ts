import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createLogger, type CreateLoggerOptions, type Logger } from "./logger.ts";

/** Collects what a logger writes, a few bytes at a time as a slow pipe takes them. */
function capture(options: Partial<CreateLoggerOptions> = {}): { logger: Logger; text(): string } {
  const bytes: number[] = [];
  const writeSync = (chunk: Uint8Array) => {
    const taken = chunk.subarray(0, 7);
    bytes.push(...taken);
    return taken.length;
  };
  const logger = createLogger({ name: "shardkv", stream: { writeSync }, ...options });
  return { logger, text: () => new TextDecoder().decode(new Uint8Array(bytes)) };
}

Deno.test("createLogger() begins text lines as Go does", () => {
  const { logger, text } = capture();
  logger.info("ShardKV group 100 node 0 listening on 127.0.0.1:6001");
  assertMatch(
    text(),
    /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d ShardKV group 100 node 0 listening on 127\.0\.0\.1:6001\n$/,
  );
});

Deno.test("createLogger() appends fields and quotes what would be ambiguous", () => {
  const { logger, text } = capture();
  logger.warn("Lost a peer", {
    id: 3,
    peer: "a:1",
    why: 'timed "out"\n',
    none: undefined,
    empty: "",
    list: [1, 2n],
    error: new RangeError("Bad term"),
  });
  assertStringIncludes(
    text(),
    ' WARN Lost a peer id=3 peer=a:1 why="timed \\"out\\"\\n" empty="" ' +
      'list="[1,\\"2\\"]" error="RangeError: Bad term"\n',
  );
});

Deno.test("createLogger() keeps each message on one line and bounds its fields", () => {
  const { logger, text } = capture();
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  logger.error("Broken\ninto\r\nlines", {
    error: new Error("x\ny"),
    big: "z".repeat(10_000),
    circular,
  });
  assertEquals(text().split("\n").length, 2);
  assertStringIncludes(text(), "ERROR Broken\\ninto\\r\\nlines");
  assertStringIncludes(text(), "logger_test.ts");
  assertEquals(text().length < 10_000, true);
});

Deno.test("createLogger() drops what is below its level", () => {
  const quiet = capture({ level: "warn" });
  quiet.logger.debug("a");
  quiet.logger.info("b");
  assertEquals(quiet.text(), "");
  const loud = capture({ level: "debug" });
  loud.logger.debug("a");
  assertStringIncludes(loud.text(), " DEBUG a\n");
});

Deno.test("createLogger() writes an object per line in the JSON format", () => {
  const { logger, text } = capture({ format: "json" });
  logger.error("Cannot write", { term: 3, ok: false, peer: "a:1", level: "mine", nothing: null });
  const { time, ...rest } = JSON.parse(text());
  assertMatch(time, /^\d{4}-\d\d-\d\dT.*Z$/);
  assertEquals(rest, {
    level: "ERROR",
    logger: "shardkv",
    message: "Cannot write",
    term: 3,
    ok: false,
    peer: "a:1",
    nothing: "null",
  });
});

Deno.test("createLogger() survives a reader that went away", () => {
  const writeSync = () => {
    throw new Deno.errors.BrokenPipe("Broken pipe");
  };
  createLogger({ name: "kv", stream: { writeSync } }).info("Anyone there?");
});
