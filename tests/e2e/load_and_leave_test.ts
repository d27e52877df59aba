import { assertEquals } from "@std/assert";
import { loadAndLeave } from "./load_and_leave.ts";

Deno.test("a group that leaves hands every key over, and no server grows", async () => {
  assertEquals((await loadAndLeave(20_000)).keys, 20_000);
});
