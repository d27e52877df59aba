/** Key -> shard. Every client and server must agree, so this never changes for a cluster with data. */
import type { ShardId } from "./config.ts";

const OPEN = 0x7b; // {
const CLOSE = 0x7d; // }

/** Finds a byte. Taken off the prototype because `Buffer` overrides it with a slower one for text. */
const indexOf = Uint8Array.prototype.indexOf;

/**
 * FNV-1a over the bytes (Fowler, Noll, Vo), then the finalizer of MurmurHash3
 * (Appleby): FNV alone spreads its low bits badly over powers of two.
 */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) {
    hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * The shard of a key: its hash over the number of shards. If the key holds a
 * non-empty `{tag}`, the tag alone is hashed (the first one, as Redis Cluster
 * does), so that keys with the same tag share a shard.
 *
 * @param key The key's bytes
 * @param shards Number of shards of the cluster, 1 or more
 */
export function shardOf(key: Uint8Array, shards: number): ShardId {
  const open = indexOf.call(key, OPEN);
  if (open !== -1) {
    const close = indexOf.call(key, CLOSE, open + 1);
    if (close > open + 1) return hashBytes(key, open + 1, close) % shards;
  }
  return hashBytes(key, 0, key.length) % shards;
}
