import { assertEquals } from "@std/assert";
import { hexDump, inline, keyQuery } from "./byte_text.ts";

Deno.test("inline() shows text as it is and other bytes in hexadecimal digits", () => {
  assertEquals(inline({ text: "<键>" }), "<键>");
  assertEquals(inline({ base64: "AP8=" }), "00 ff");
});

Deno.test("hexDump() has offsets, bytes and what is printable", () => {
  assertEquals(
    hexDump({ text: "0123456789abcdef\n" }),
    "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n" +
      "00000010  0a                                               .",
  );
  assertEquals(hexDump({ text: "" }), "");
});

Deno.test("keyQuery() asks for text as text and for other bytes in base64", () => {
  assertEquals(keyQuery({ text: "a&b=c" }), "key=a%26b%3Dc");
  assertEquals(keyQuery({ base64: "AP+/" }), "key64=AP%2B%2F");
});
