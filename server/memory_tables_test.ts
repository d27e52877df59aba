import { assert, assertEquals } from "@std/assert";
import { memoryTableBytes } from "./memory_tables.ts";

Deno.test("memoryTableBytes() differs between the first three replicas, by an eighth or more", () => {
  const sizes = [0, 1, 2].map(memoryTableBytes).sort((a, b) => a - b);
  for (const [i, size] of sizes.entries()) {
    assert(i === 0 || size >= (sizes[i - 1] as number) * 1.12, `${sizes}`);
  }
});

Deno.test("memoryTableBytes() is about 32 MiB for every position", () => {
  for (let position = 0; position < 100; position++) {
    const mib = memoryTableBytes(position) / 1024 / 1024;
    assert(mib >= 28 && mib <= 36, `${mib} MiB for ${position}`);
  }
  assertEquals(memoryTableBytes(4), memoryTableBytes(1));
});
