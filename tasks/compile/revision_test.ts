import { assertEquals, assertMatch } from "@std/assert";
import { runCommand } from "./command.ts";
import { gitRevision } from "./revision.ts";

Deno.test("gitRevision() tells the commit, and whether files differ from it", async () => {
  const root = await Deno.makeTempDir({ prefix: "eraft_revision_" });
  const git = (...args: string[]) =>
    runCommand("git", ["-c", "user.name=a", "-c", "user.email=a@b", "-C", root, ...args]);
  try {
    assertEquals(await gitRevision(root), "unknown");
    await git("init", "--quiet");
    await Deno.writeTextFile(`${root}/file`, "1");
    await git("add", "file");
    await git("commit", "--quiet", "--message", "one");
    assertMatch(await gitRevision(root), /^[0-9a-f]{40}$/);
    await Deno.writeTextFile(`${root}/file`, "2");
    assertMatch(await gitRevision(root), /^[0-9a-f]{40}-dirty$/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
