import { assertEquals, assertThrows } from "@std/assert";
import { OutputError, writeAll, writeIfRead } from "./cli_streams.ts";

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

Deno.test("writeIfRead() tells of a pipe that nobody reads, and of nothing else", () => {
  const failing = (error: Error) => ({
    writeSync: (): number => {
      throw error;
    },
  });
  assertEquals(writeIfRead({ writeSync: ({ length }) => length }, new Uint8Array(1)), true);
  assertEquals(writeIfRead(failing(new Deno.errors.BrokenPipe("EPIPE")), new Uint8Array(1)), false);
  assertThrows(() => writeIfRead(failing(new Error("EIO")), new Uint8Array(1)), OutputError, "EIO");
});

/** The exit code of a program one of whose outputs is a pipe that nobody reads. */
async function exitCodeUnread(output: "stdout" | "stderr", args: string[]): Promise<number> {
  const other = output === "stdout" ? "stderr" : "stdout";
  const child = new Deno.Command(Deno.execPath(), {
    args,
    [output]: "piped",
    [other]: "null",
  }).spawn();
  await child[output].cancel();
  return (await child.status).code;
}

const program = new URL("../shardkvclient.ts", import.meta.url).href;
const client = ["run", "-A", "--quiet", "--no-check", program];

Deno.test("a command that fails ends with its code though nobody reads what it says", async () => {
  assertEquals(await exitCodeUnread("stderr", [...client, "scan", "-limit", "-1"]), 2);
  assertEquals(await exitCodeUnread("stdout", client), 2);
});

Deno.test("writeOutWhileRead() ends a program without an error once its reader has seen enough", async () => {
  const { href } = new URL("./cli_streams.ts", import.meta.url);
  const script = `import { writeOutWhileRead } from "${href}"; for (;;) writeOutWhileRead("x\\n");`;
  assertEquals(await exitCodeUnread("stdout", ["eval", script]), 0);
});
