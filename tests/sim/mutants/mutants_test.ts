import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Mutant, MUTANTS } from "./mod.ts";
import { plant, StaleMutantError } from "./mutant.ts";

const ROOT = `${import.meta.dirname}/../../..`;

/** Reads the source as the linter does and looks for nothing in it. */
function parse(file: string, source: string): void {
  Deno.lint.runPlugin({ name: "nothing", rules: {} }, file, source);
}

Deno.test("Every planted bug fits the source as it is and leaves a program", async (t) => {
  for (const mutant of MUTANTS) {
    await t.step(mutant.name, async () => {
      const source = await Deno.readTextFile(`${ROOT}/${mutant.file}`);
      parse(mutant.file, plant(mutant, source));
    });
  }
});

Deno.test("There are at least twenty planted bugs, each with a name of its own", () => {
  const names = new Set(MUTANTS.map(({ name }) => name));
  assertEquals(names.size, MUTANTS.length);
  assertEquals(MUTANTS.length >= 20, true, `Only ${MUTANTS.length}`);
  for (const { name, breaks } of MUTANTS) {
    assertMatch(name, /^[a-z]+(-[a-z]+)+$/);
    assertMatch(breaks, /^[A-Z][^.]+\.$/, `What '${name}' breaks is one sentence`);
  }
});

Deno.test("plant() refuses a text that is not there, or more than once", () => {
  const mutant: Mutant = {
    name: "some-bug",
    breaks: "Nothing.",
    file: "some/file.ts",
    find: "a + b",
    replace: "a - b",
  };
  assertEquals(plant(mutant, "x = a + b;"), "x = a - b;");
  const missing = assertThrows(() => plant(mutant, "x = a;"), StaleMutantError);
  assertMatch(missing.message, /'some-bug'.* 0 times in some\/file\.ts/);
  assertThrows(() => plant(mutant, "x = a + b; y = a + b;"), StaleMutantError);
});

Deno.test("plant() takes the replacement word by word", () => {
  const mutant: Mutant = { name: "a-b", breaks: "B.", file: "c.ts", find: "x", replace: "$& $1" };
  assertEquals(plant(mutant, "x"), "$& $1");
});
