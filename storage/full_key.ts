/** The whole key of a write, whose beginning may be given apart. */
import type { Write } from "./engine.ts";
import { asBuffer } from "./buffers.ts";

/** Keys up to this length are put together in memory that is used again. */
const KEPT_BYTES_MAX = 512;

/** Memory for keys, by their length: keys of one store tend to have few. */
const kept: (Buffer | undefined)[] = new Array(KEPT_BYTES_MAX + 1).fill(undefined);

/** The whole key: what was given, or a copy. */
export function fullKey({ prefix, key }: Write): Buffer {
  return prefix === undefined ? asBuffer(key) : Buffer.concat([prefix, key]);
}

/** As {@linkcode fullKey}, but good until the next call at most. */
export function passingKey({ prefix, key }: Write): Buffer {
  if (prefix === undefined) return asBuffer(key);
  const full = roomFor(prefix.length + key.length);
  full.set(prefix);
  full.set(key, prefix.length);
  return full;
}

function roomFor(length: number): Buffer {
  if (length > KEPT_BYTES_MAX) return Buffer.allocUnsafe(length);
  return kept[length] ??= Buffer.allocUnsafeSlow(length);
}
