import { assert, assertEquals } from "@std/assert";
import { changedFiles, fileStates, processUsage, writtenBytes } from "./process_usage.ts";

Deno.test("processUsage() counts the time a process has worked", async () => {
  const before = await processUsage(Deno.pid);
  const end = performance.now() + 200;
  while (performance.now() < end);
  const after = await processUsage(Deno.pid);
  const worked = after.cpuSeconds - before.cpuSeconds;
  assert(worked > 0 && worked < 60, `It counts ${worked} s`);
  assert(after.residentBytes > 1 << 20, `It takes ${after.residentBytes} bytes`);
});

Deno.test("writtenBytes() adds up what processes have written, and never falls", async () => {
  const before = await writtenBytes([Deno.pid]);
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, new Uint8Array(1 << 16));
    const after = await writtenBytes([Deno.pid, Deno.pid]);
    assert(before >= 0 && after >= 2 * before, `It counts ${before} and ${after} bytes`);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("changedFiles() names what came, went or was written", async () => {
  const directory = await Deno.makeTempDir({ prefix: "eraft_files_" });
  const write = (name: string, text: string) => Deno.writeTextFile(`${directory}/${name}`, text);
  try {
    await Deno.mkdir(`${directory}/folder`);
    for (const name of ["same", "grown", "gone", "folder/same", "folder/grown"]) {
      await write(name, "1");
    }
    const before = await fileStates(directory);
    await write("grown", "12");
    await write("folder/grown", "12");
    await write("new", "1");
    await Deno.remove(`${directory}/gone`);
    assertEquals(changedFiles(before, before), []);
    const changed = ["folder/grown", "gone", "grown", "new"];
    assertEquals(changedFiles(before, await fileStates(directory)), changed);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
