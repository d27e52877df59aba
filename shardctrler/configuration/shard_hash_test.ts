import { assert, assertEquals } from "@std/assert";
import { shardOf } from "./shard_hash.ts";

const encoder = new TextEncoder();

function shard(key: string, shards = 64): number {
  return shardOf(encoder.encode(key), shards);
}

Deno.test("shardOf() never changes: data on disk depends on it", () => {
  assertEquals(["", "a", "b", "mykey", "key-1", "\u00e4"].map((key) => shard(key, 1024)), [
    11,
    435,
    562,
    756,
    151,
    771,
  ]);
});

Deno.test("shardOf() spreads similar keys evenly", () => {
  const counts = new Array<number>(64).fill(0);
  for (let i = 0; i < 64_000; i++) {
    const index = shard(`user:${i}`);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  assert(Math.max(...counts) < 1_150 && Math.min(...counts) > 850, `${counts}`);
});

Deno.test("shardOf() hashes a tag in braces alone", () => {
  assertEquals(shard("{user1}.name"), shard("user1"));
  assertEquals(shard("prefix{user1}.mail"), shard("user1"));
  assertEquals(shard("{a}{b}"), shard("a"));
  // No tag: empty braces, no closing one, closing before opening.
  const plain = (key: string) => shard(key, 1 << 30) !== shard("user1", 1 << 30);
  assert(plain("{}user1") && plain("{user1") && plain("}user1{"));
});
