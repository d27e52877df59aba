import { assertEquals } from "@std/assert";
import { readLines } from "./read_lines.ts";
import { createLogView } from "./log_view.ts";

Deno.test("createLogView() aligns the names, and colours them only when asked", () => {
  const written: string[] = [];
  const plain = createLogView(["ctrler-0", "100-0"], (text) => written.push(text), false);
  plain("100-0", "hello");
  const colored = createLogView(["ctrler-0", "100-0"], (text) => written.push(text), true);
  colored("ctrler-0", "hello");
  assertEquals(written, ["100-0    | hello\n", "\x1b[36mctrler-0 |\x1b[0m hello\n"]);
});

Deno.test("readLines() joins chunks, splits lines and keeps the last one", async () => {
  const bytes = ReadableStream.from(["one\ntw", "o\r\n", "\nthr", "ee"]);
  const lines = await Array.fromAsync(readLines(bytes.pipeThrough(new TextEncoderStream())));
  assertEquals(lines, ["one", "two", "", "three"]);
});
