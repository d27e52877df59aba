import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { Draw } from "../sim/draw.ts";
import { flipBit, tearOff } from "./file_damage.ts";

async function withFiles(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "eraft_damage_" });
  try {
    for (const name of ["000004.log", "LOCK", "LOG", "IDENTITY"]) {
      await Deno.writeTextFile(`${directory}/${name}`, "0123456789");
    }
    await body(directory);
    for (const name of ["LOCK", "LOG", "IDENTITY"]) {
      assertEquals(await Deno.readTextFile(`${directory}/${name}`), "0123456789");
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("flipBit() changes one bit of a file that matters", () =>
  withFiles(async (directory) => {
    const what = await flipBit(directory, new Draw(createPrng(1)));
    assertMatch(what, /^a bit of byte \d of 10 in 000004\.log$/);
    const bytes = await Deno.readFile(`${directory}/000004.log`);
    const before = new TextEncoder().encode("0123456789");
    const changed = [...bytes].map((byte, i) => byte ^ (before[i] ?? 0)).filter((bits) => bits > 0);
    assertEquals(changed.length, 1);
    assertEquals(Math.log2(changed[0] ?? 0) % 1, 0);
  }));

Deno.test("tearOff() takes the end of a file that matters", () =>
  withFiles(async (directory) => {
    await tearOff(directory, new Draw(createPrng(1)));
    const rest = await Deno.readTextFile(`${directory}/000004.log`);
    assertEquals("0123456789".startsWith(rest), true);
    assertNotEquals(rest, "0123456789");
  }));

Deno.test("flipBit() and tearOff() reach the journal", async () => {
  const directory = await Deno.makeTempDir({ prefix: "eraft_damage_" });
  try {
    const name = "journal/0000000000000001.journal";
    await Deno.mkdir(`${directory}/journal`);
    await Deno.writeTextFile(`${directory}/${name}`, "0123456789");
    assertMatch(await flipBit(directory, new Draw(createPrng(1))), new RegExp(`in ${name}$`));
    assertMatch(await tearOff(directory, new Draw(createPrng(1))), new RegExp(`in ${name}$`));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
