import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ClusterDirectory, DirectoryError } from "./cluster_directory.ts";

const SHAPE = { groups: 2, replicas: 3, shards: 64, ctrlerPort: 50_051, groupPort: 6001 };

async function withDirectory(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir();
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

Deno.test("ClusterDirectory.open() creates a directory and knows it again", async () => {
  await withDirectory(async (path) => {
    const first = await ClusterDirectory.open(`${path}/deep/data`, SHAPE);
    assertEquals(first.joined, false);
    await first.rememberJoined();
    assertEquals((await ClusterDirectory.open(`${path}/deep/data`, SHAPE)).joined, true);
  });
});

Deno.test("ClusterDirectory.open() names the path and every option that differs", async () => {
  await withDirectory(async (path) => {
    await ClusterDirectory.open(path, SHAPE);
    const other = { ...SHAPE, shards: 10, groupPort: 8001 };
    const error = await assertRejects(() => ClusterDirectory.open(path, other), DirectoryError);
    assertStringIncludes(error.message, path);
    assertStringIncludes(error.message, "-shards 64 (now 10), -group-port 6001 (now 8001)");
  });
});

Deno.test("ClusterDirectory.open() leaves a directory of something else alone", async () => {
  await withDirectory(async (path) => {
    await Deno.writeTextFile(`${path}/thesis.md`, "");
    const error = await assertRejects(() => ClusterDirectory.open(path, SHAPE), DirectoryError);
    assertStringIncludes(error.message, "holds 'thesis.md'");
    const names = await Array.fromAsync(Deno.readDir(path), (entry) => entry.name);
    assertEquals(names, ["thesis.md"]);
  });
});

Deno.test("ClusterDirectory.open() refuses a layout it cannot read", async () => {
  await withDirectory(async (path) => {
    for (const content of ["{", "null", `{"version": 2}`]) {
      await Deno.writeTextFile(`${path}/cluster.json`, content);
      const error = await assertRejects(() => ClusterDirectory.open(path, SHAPE), DirectoryError);
      assertStringIncludes(error.message, "cluster.json");
    }
  });
});

Deno.test("ClusterDirectory.open() says what a damaged layout must hold", async () => {
  await withDirectory(async (path) => {
    for (const content of ["", "{", "null", "{}", `{"version":1}`, `{"version":1,"groups":2}`]) {
      await Deno.writeTextFile(`${path}/cluster.json`, content);
      const error = await assertRejects(() => ClusterDirectory.open(path, SHAPE), DirectoryError);
      assertStringIncludes(error.message, "its cluster.json is damaged; ");
      const [whole = ""] = /\{.*\}/.exec(error.message) ?? [];
      await Deno.writeTextFile(`${path}/cluster.json`, whole);
      assertEquals((await ClusterDirectory.open(path, SHAPE)).joined, true);
    }
  });
});

Deno.test("ClusterDirectory.open() goes on after a crash in the middle of a write", async () => {
  await withDirectory(async (path) => {
    await Deno.writeTextFile(`${path}/cluster.json.new`, "{");
    assertEquals((await ClusterDirectory.open(path, SHAPE)).joined, false);
  });
});
