import { assertEquals } from "@std/assert";
import { memoryIn } from "./memory.ts";

Deno.test("memoryIn() remembers and forgets", () => {
  const items = new Map<string, string>();
  const memory = memoryIn(() => ({
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  }));
  memory.write("a", "1");
  assertEquals(memory.read("a"), "1");
  memory.write("a", null);
  assertEquals(memory.read("a"), null);
});

Deno.test("memoryIn() does without storage where it is forbidden", () => {
  const memory = memoryIn(() => {
    throw new DOMException("Forbidden", "SecurityError");
  });
  memory.write("a", "1");
  assertEquals(memory.read("a"), null);
});
