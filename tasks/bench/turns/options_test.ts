import { assertEquals, assertThrows } from "@std/assert";
import { FlagError } from "../../../runtime/flags.ts";
import { parseTurnsOptions } from "./options.ts";

function refusalOf(...args: string[]): string {
  return assertThrows(() => parseTurnsOptions(args), FlagError).message;
}

Deno.test("contenders are systems, other checkouts, and either with flags of V8 and a name", () => {
  const { contenders } = parseTurnsOptions([
    "ours",
    "etcd",
    "../before",
    "before=../before",
    "young=ours@--min-semi-space-size=32,--no-opt",
  ]);
  const here = { checkout: undefined, v8Flags: undefined };
  assertEquals(contenders, [
    { ...here, name: "ours", system: "ours" },
    { ...here, name: "etcd", system: "etcd" },
    { name: "../before", system: "ours", checkout: "../before", v8Flags: undefined },
    { name: "before", system: "ours", checkout: "../before", v8Flags: undefined },
    { ...here, name: "young", system: "ours", v8Flags: "--min-semi-space-size=32,--no-opt" },
  ]);
});

Deno.test("what cannot be compared is refused with the reason", () => {
  assertEquals(refusalOf("ours"), "Cannot compare 1 of two contenders or more");
  assertEquals(
    refusalOf("ours", "ours"),
    "Two contenders are called 'ours': name one, as in other=ours",
  );
  assertEquals(refusalOf("ours", "other="), "Cannot use contender 'other=': it names no system");
  assertEquals(
    refusalOf("-op", "get", "ours", "bare"),
    "Cannot use -op get with bare: the bare store takes only puts",
  );
});
