import { assertEquals } from "@std/assert";
import { moveProgress } from "./move_progress.ts";
import { aMove } from "./testdata/views.ts";

Deno.test("moveProgress() goes by bytes, else by keys, and never beyond the end", () => {
  const progress = (parts: Parameters<typeof aMove>[2]) => moveProgress(aMove(1, 1, parts));
  assertEquals(progress({}), null);
  assertEquals(progress({ bytesDone: 3, bytesTotal: 12, keysDone: 1, keysTotal: 2 }), 0.25);
  assertEquals(progress({ keysDone: 1, keysTotal: 2 }), 0.5);
  assertEquals(progress({ bytesDone: 0, bytesTotal: 0 }), null);
  assertEquals(progress({ bytesDone: 15, bytesTotal: 12 }), 1);
  assertEquals(progress({ phase: "Cleaning" }), 1);
});
