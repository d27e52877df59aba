import { assertEquals, assertThrows } from "@std/assert";
import { OutputError, writeAll } from "./cli_streams.ts";

Deno.test("writeAll() goes on where the system took a part only", () => {
  const taken: number[] = [];
  const writeSync = (bytes: Uint8Array) => taken.push(bytes[0] ?? 0) > 0 ? 1 : 0;
  writeAll({ writeSync }, new Uint8Array([1, 2, 3]));
  assertEquals(taken, [1, 2, 3]);
});

Deno.test("writeAll() says why it could not write", () => {
  const writeSync = (): number => {
    throw new Error("No space left on device");
  };
  assertThrows(
    () => writeAll({ writeSync }, new Uint8Array(1)),
    OutputError,
    "Cannot write the output: No space left on device",
  );
});
