import { assertEquals, assertThrows } from "@std/assert";
import { type ArchiveFile, tarOf } from "./tar.ts";

const files: readonly ArchiveFile[] = [
  { path: "b/program.js", isExecutable: false, bytes: new TextEncoder().encode("1".repeat(700)) },
  { path: "a", isExecutable: true, bytes: new TextEncoder().encode("#!/bin/sh\necho works\n") },
  { path: "empty", isExecutable: false, bytes: new Uint8Array() },
];

Deno.test("tarOf() makes an archive that tar unpacks, contents and modes", async () => {
  const directory = await Deno.makeTempDir({ prefix: "eraft_tar_" });
  try {
    await Deno.writeFile(`${directory}/a.tar`, tarOf(files));
    const unpacked = await new Deno.Command("tar", {
      args: ["-xf", "a.tar"],
      cwd: directory,
    }).output();
    assertEquals([unpacked.code, new TextDecoder().decode(unpacked.stderr)], [0, ""]);
    for (const { path, bytes } of files) {
      assertEquals(await Deno.readFile(`${directory}/${path}`), bytes);
    }
    const { stdout } = await new Deno.Command(`${directory}/a`).output();
    assertEquals(new TextDecoder().decode(stdout), "works\n");
    assertEquals(((await Deno.stat(`${directory}/empty`)).mode ?? 0) & 0o111, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("tarOf() gives the same bytes for the same files in any order", () => {
  assertEquals(tarOf(files), tarOf([...files].reverse()));
});

Deno.test("tarOf() refuses a path that does not fit", () => {
  const file = { path: "x".repeat(101), isExecutable: false, bytes: new Uint8Array() };
  assertThrows(() => tarOf([file]), RangeError, "its name has more than 100 bytes");
});
