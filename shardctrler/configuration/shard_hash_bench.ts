/** What it takes to find a key's shard: `deno task bench:micro shardctrler`. */
import { shardOf } from "./shard_hash.ts";

const encoder = new TextEncoder();
const keys = Array.from(
  { length: 256 },
  (_, i) => encoder.encode(`bench-key-${i}`.padEnd(18, "0")),
);
const tagged = Array.from({ length: 256 }, (_, i) => encoder.encode(`user:{${i}}:name`));

Deno.bench("shardOf() for 256 keys of 18 bytes", () => {
  for (const key of keys) shardOf(key, 64);
});

Deno.bench("shardOf() for 256 keys with a tag", () => {
  for (const key of tagged) shardOf(key, 64);
});
