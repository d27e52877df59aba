import { assertEquals, assertThrows } from "@std/assert";
import { DocumentError, replaceSection } from "./document.ts";

Deno.test("replaceSection() changes what is between the comments, and nothing else", () => {
  const page = "a\n\n<!-- x: begin -->\n\nold\n\n<!-- x: end -->\n\nb\n";
  const replaced = replaceSection(page, "x", "new\n");
  assertEquals(replaced, "a\n\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\n\nb\n");
  assertEquals(replaceSection(replaced, "x", "new\n"), replaced);
  assertThrows(() => replaceSection(page, "y", "new"), DocumentError, "'y'");
});
