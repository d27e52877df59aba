import { assertEquals } from "@std/assert";
import { unicodeWidth } from "./mod.ts";

Deno.test("unicodeWidth() counts terminal columns", () => {
  const known: [string, number][] = [
    ["", 0],
    ["hello world", 11],
    ["天地玄黃宇宙洪荒", 16],
    ["ｆｕｌｌｗｉｄｔｈ", 18],
    ["한국어", 6],
    ["カナ", 4],
    ["ｶﾅ", 2],
    ["café", 4],
    ["cafe\u0301", 4],
    ["a\u200db\tc\u0000", 3],
    ["🙂", 2],
    ["→ ✓ é ß Ж", 9],
    ["\u00ad", 1],
    ["𠀀", 2],
  ];
  for (const [text, width] of known) assertEquals(unicodeWidth(text), width, text);
});
