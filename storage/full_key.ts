/** Puts the key of a write together, whose prefix may be given apart. */
import { asBuffer, ReusedBuffers } from "../runtime/buffers.ts";
import type { Write } from "./engine.ts";

/** Keys up to 512 bytes are put together in memory that is used again. */
const passing = new ReusedBuffers(512);

/** The whole key: what was given, or a copy. */
export function fullKey({ prefix, key }: Write): Buffer {
  return prefix === undefined ? asBuffer(key) : Buffer.concat([prefix, key]);
}

/** As {@linkcode fullKey}, but good until the next call at most. */
export function passingKey({ prefix, key }: Write): Buffer {
  if (prefix === undefined) return asBuffer(key);
  const full = passing.ofLength(prefix.length + key.length);
  full.set(prefix);
  full.set(key, prefix.length);
  return full;
}
