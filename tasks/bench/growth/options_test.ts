import { assertEquals, assertThrows } from "@std/assert";
import { FlagError } from "../../../runtime/flags.ts";
import { parseGrowthOptions } from "./options.ts";

Deno.test("parseGrowthOptions() measures keys and groups unless it is told otherwise", () => {
  const { parts, keys, groups, write } = parseGrowthOptions([]);
  assertEquals({ parts, keys, groups, write }, {
    parts: ["size", "groups"],
    keys: [10_000, 100_000, 1_000_000],
    groups: [1, 2, 4],
    write: false,
  });
  const soak = parseGrowthOptions(["-only", "soak", "-minutes", "2"]);
  assertEquals([soak.parts, soak.soakMs], [["soak"], 120_000]);
});

Deno.test("parseGrowthOptions() puts the keys in order, for costs are held against fewer keys", () => {
  assertEquals(parseGrowthOptions(["-keys", "3000,10,200"]).keys, [10, 200, 3_000]);
});

Deno.test("parseGrowthOptions() refuses what is no list of numbers, and more groups than a machine holds", () => {
  for (const args of [["-keys", "1,x"], ["-keys", ""], ["-groups", "17"], ["-runs", "1"], ["50"]]) {
    assertThrows(() => parseGrowthOptions(args), FlagError);
  }
});
