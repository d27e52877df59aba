import { assertEquals } from "@std/assert";
import { loadAndLeave, tooLarge } from "./load_and_leave.ts";

Deno.test("a group that leaves hands every key over, and no server grows large", async () => {
  const phases = await loadAndLeave(20_000);
  assertEquals(phases.map(({ name }) => name), ["load", "leave", "scan", "get"]);
  assertEquals(tooLarge(phases), undefined);
});
