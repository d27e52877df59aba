import { assertEquals, assertThrows } from "@std/assert";
import { FlagError } from "../../runtime/flags.ts";
import { parseComparisonOptions } from "./options.ts";

Deno.test("parseComparisonOptions() -quick makes everything small but what is said besides", () => {
  const { callers, durationMs, keys, systems } = parseComparisonOptions(["-quick"]);
  assertEquals([callers, durationMs, keys, systems], [[1, 64, 256], 2_000, 20_000, [
    "ours",
    "etcd",
  ]]);
  const own = parseComparisonOptions(["-quick", "-callers", "8,16", "-duration", "5s"]);
  assertEquals([own.callers, own.durationMs, own.keys], [[8, 16], 5_000, 20_000]);
});

Deno.test("parseComparisonOptions() refuses callers that are no numbers, and half a comparison for the docs", () => {
  for (const callers of ["", "0", "1,", "x", "1,5000"]) {
    assertThrows(() => parseComparisonOptions(["-callers", callers]), FlagError, "-callers");
  }
  assertThrows(() => parseComparisonOptions(["-only", "ours", "-write"]), FlagError, "-only");
  assertThrows(() => parseComparisonOptions(["50"]), FlagError, "'50'");
});
