import { assertEquals } from "@std/assert";
import { ShardOperations } from "./shard_operations.ts";

Deno.test("ShardOperations counts each shard by itself, and knows nothing of the others", () => {
  const operations = new ShardOperations();
  operations.countWrites(Uint16Array.of(3, 16_383, 3));
  operations.countRead(16_383);
  operations.countRead(0);
  assertEquals(operations.of(3), { reads: 0, writes: 2 });
  assertEquals(operations.of(16_383), { reads: 1, writes: 1 });
  assertEquals(operations.of(0), { reads: 1, writes: 0 });
  assertEquals(operations.of(7), { reads: 0, writes: 0 });
});
