import { assertEquals, assertRejects } from "@std/assert";
import { writeFormatted } from "./formatted_file.ts";

Deno.test("writeFormatted() formats pages and drawings, and says what it cannot read", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const page = `${directory}/page.md`;
    await writeFormatted(page, "# A page\n*  an item\n");
    assertEquals(await Deno.readTextFile(page), "# A page\n\n- an item\n");
    const drawing = `${directory}/drawing.svg`;
    await writeFormatted(drawing, '<svg><g><rect width="1"/></g></svg>\n');
    assertEquals(
      await Deno.readTextFile(drawing),
      '<svg>\n  <g>\n    <rect width="1" />\n  </g>\n</svg>\n',
    );
    const data = `${directory}/data.json`;
    await assertRejects(() => writeFormatted(data, "{"), Error, `Cannot format '${data}'`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
