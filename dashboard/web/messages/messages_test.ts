import { assert, assertEquals } from "@std/assert";
import { LANGUAGES } from "../preferences.ts";
import { messagesIn } from "./messages.ts";

/** Every text by its path; of a function, what it says to made-up arguments. */
function texts(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") {
    // Counts where numbers are wanted, names elsewhere: a text uses them the same way.
    const args = Array.from({ length: value.length }, (_, at) => 21 + at);
    return [[path, String(value(...args))]];
  }
  return Object.entries(value as object).flatMap(([key, part]) => texts(part, `${path}/${key}`));
}

Deno.test("every language says everything, with the same figures in it", () => {
  const english = texts(messagesIn.en);
  for (const language of LANGUAGES) {
    const other = texts(messagesIn[language]);
    assertEquals(other.map(([path]) => path), english.map(([path]) => path));
    for (const [at, [path, text]] of other.entries()) {
      assert(text.trim() !== "", `${language}${path} is empty`);
      const figures = (words: string) => (words.match(/\b2[1-5]\b/g) ?? []).sort();
      assertEquals(figures(text), figures(english[at]?.[1] ?? ""), `${language}${path}`);
    }
  }
});

Deno.test("Chinese is not left in English", () => {
  const same = texts(messagesIn.zh).filter(([path, text]) => {
    const letters = text.replace(/[^a-z]/gi, "");
    return letters !== "" && !/\p{Script=Han}/u.test(text) && path !== "/title";
  });
  assertEquals(same.map(([path]) => path), ["/nodes/columns/cpu"]);
});
