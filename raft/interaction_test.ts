/**
 * Plays the scripts of testdata/ and compares what the nodes do with what is
 * written there. `deno test -A raft/interaction_test.ts -- --update` rewrites
 * the scripts: read the difference before you keep it.
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parseScript, renderScript } from "./testing/interaction/script_file.ts";
import { runScript } from "./testing/interaction/run_script.ts";

const FOLDER = new URL("./testdata/", import.meta.url);

const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
  .filter((name) => name.endsWith(".txt")).sort();

/** Plays a script; rewrites it if that is wanted, else compares. */
async function play(file: URL, update: boolean): Promise<void> {
  const text = await Deno.readTextFile(file);
  const played = renderScript(runScript(parseScript(text)));
  if (!update) assertEquals(played, text);
  else if (played !== text) await Deno.writeTextFile(file, played);
}

for (const name of names) {
  Deno.test(`script ${name} plays as written`, () => {
    return play(new URL(name, FOLDER), Deno.args.includes("--update"));
  });
}

Deno.test("the index of the scripts names each of them", async () => {
  const index = await Deno.readTextFile(new URL("README.md", FOLDER));
  const listed = [...index.matchAll(/^\| `(\w+\.txt)`/gm)].map(([, name]) => name);
  assertEquals(listed.sort(), names);
});

Deno.test("playing a script fails if a line differs, and rewrites it if that is wanted", async () => {
  const folder = await Deno.makeTempDir();
  const file = new URL(`file://${folder}/script.txt`);
  try {
    await Deno.writeTextFile(file, "# Prose.\n\nadd-nodes 1\ncampaign 1\n----\nwrong\n");
    await assertRejects(() => play(file, false));
    await play(file, true);
    await play(file, false);
    const status =
      "1 is a follower of term 0, leader 0, log empty after 0 persisted 0 commit 0 applied 0";
    assertEquals(
      await Deno.readTextFile(file),
      `# Prose.\n\nadd-nodes 1\ncampaign 1\n----\n${status}\n`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a script with a mistake in it is refused", () => {
  const play = (text: string) => runScript(parseScript(text));
  assertThrows(() => play("campaign 1\n"), SyntaxError, "must follow commands");
  for (const command of ["frobnicate", "campaign 9", "campaign", "add-nodes 1 prevote=true"]) {
    assertThrows(() => play(`${command}\n----\nok\n`), Error, `line 1 '${command}'`);
  }
});
