import { assertEquals } from "@std/assert";
import { formatTable, padLeft, padRight } from "./table.ts";

Deno.test("formatTable() aligns columns by their width on a terminal", () => {
  const table = formatTable(["Key", "Owner", "Bytes"], [
    ["天地", "a", 7],
    ["café", "group 100", 1_234],
  ]);
  assertEquals(
    table,
    [
      "Key   Owner      Bytes",
      "天地  a              7",
      "café  group 100   1234",
      "",
    ].join("\n"),
  );
});

Deno.test("formatTable() prints a heading alone and leaves no trailing blanks", () => {
  assertEquals(formatTable(["A", "B"], []), "A  B\n");
  assertEquals(formatTable(["Long", "B"], [["x", ""], ["y"]]), "Long  B\nx\ny\n");
});

Deno.test("padRight() and padLeft() never cut", () => {
  assertEquals([padRight("ab", 4), padLeft("ab", 4), padRight("abc", 2)], ["ab  ", "  ab", "abc"]);
});
