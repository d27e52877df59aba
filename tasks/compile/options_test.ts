import { assertEquals, assertThrows } from "@std/assert";
import { FlagError } from "../../runtime/flags.ts";
import { parseCompileOptions } from "./options.ts";
import { PROGRAMS } from "./programs.ts";

Deno.test("parseCompileOptions() builds all programs for this machine by default", () => {
  assertEquals(parseCompileOptions([]), {
    way: "auto",
    target: undefined,
    revision: undefined,
    out: "output",
    programs: PROGRAMS,
  });
});

Deno.test("parseCompileOptions() takes names of programs, a way and a directory", () => {
  const options = parseCompileOptions([
    "-way=bundle",
    "-revision=7",
    "-out",
    "a b",
    "shardkvclient",
  ]);
  assertEquals([options.way, options.revision, options.out], ["bundle", "7", "a b"]);
  assertEquals(options.programs.map(({ name }) => name), ["shardkvclient"]);
});

Deno.test("parseCompileOptions() has but one way to build for another machine", () => {
  const other = "aarch64-apple-darwin";
  assertEquals(parseCompileOptions(["-target", other]).way, "compile");
  assertEquals(parseCompileOptions(["-target", other]).target, other);
  assertEquals(parseCompileOptions(["-target", Deno.build.target]).way, "auto");
  assertThrows(
    () => parseCompileOptions(["-way=bundle", "-target", other]),
    FlagError,
    `invalid value "${other}" for flag -target: this Deno can only bundle itself`,
  );
});

Deno.test("parseCompileOptions() refuses what it does not know", () => {
  assertThrows(() => parseCompileOptions(["kvserver"]), FlagError, "unknown program: kvserver");
  assertThrows(() => parseCompileOptions(["-out="]), FlagError, "it must name a directory");
  assertThrows(() => parseCompileOptions(["-way=fast"]), FlagError, '"fast"');
});
