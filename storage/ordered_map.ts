/**
 * A sorted map from bytes to bytes with cheap snapshots, for the memory engine.
 *
 * Two levels: a sorted list of sorted chunks. Maps share chunks until one of
 * them changes a chunk, which copies it first; so a snapshot is O(1), and a
 * change costs at most one chunk and, once after a snapshot, the list.
 */
import { compareBytes } from "../runtime/buffers.ts";
import type { KeyRange } from "./engine.ts";

/** Pairs in a chunk before it is split in two. */
const CHUNK_PAIRS_MAX = 256;

/** Sorted keys and their values, never empty while in a map. */
interface Chunk {
  readonly keys: Buffer[];
  readonly values: Buffer[];
  /** Who may change the chunk in place; all others copy it. */
  readonly owner: symbol;
}

/** A pair as it lies in the map: not a copy, must not be changed. */
export interface StoredPair {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Keys in byte order. Buffers that are passed in are kept and must not change afterwards. */
export class OrderedMap {
  #chunks: Chunk[] = [];
  /** True while a snapshot may hold the same list of chunks. */
  #listShared = false;
  #owner = Symbol();
  #size = 0;
  #bytes = 0;

  /** Number of pairs. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of all keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A map with the same content that is independent from now on. */
  snapshot(): OrderedMap {
    const copy = new OrderedMap();
    copy.#chunks = this.#chunks;
    copy.#size = this.#size;
    copy.#bytes = this.#bytes;
    copy.#listShared = true;
    this.#listShared = true;
    // A new mark of ownership makes every present chunk a foreign one.
    this.#owner = Symbol();
    return copy;
  }

  get(key: Uint8Array): Buffer | undefined {
    const chunk = this.#chunks[chunkFor(this.#chunks, key)];
    if (!chunk) return undefined;
    const index = lowerBound(chunk.keys, key);
    return isAt(chunk.keys, index, key) ? chunk.values[index] : undefined;
  }

  set(key: Buffer, value: Buffer): void {
    const at = chunkFor(this.#chunks, key);
    const chunk = this.#ownChunk(at);
    const index = lowerBound(chunk.keys, key);
    const before = chunk.values[index];
    if (before && isAt(chunk.keys, index, key)) {
      chunk.values[index] = value;
      this.#bytes += value.length - before.length;
      return;
    }
    chunk.keys.splice(index, 0, key);
    chunk.values.splice(index, 0, value);
    this.#size++;
    this.#bytes += key.length + value.length;
    if (chunk.keys.length > CHUNK_PAIRS_MAX) this.#split(at, chunk);
  }

  delete(key: Uint8Array): void {
    const at = chunkFor(this.#chunks, key);
    const present = this.#chunks[at];
    if (!present) return;
    const index = lowerBound(present.keys, key);
    const before = present.values[index];
    if (!before || !isAt(present.keys, index, key)) return;
    const chunk = this.#ownChunk(at);
    chunk.keys.splice(index, 1);
    chunk.values.splice(index, 1);
    this.#size--;
    this.#bytes -= key.length + before.length;
    if (chunk.keys.length === 0) this.#chunks.splice(at, 1);
  }

  /** The first `limit` pairs of a range; with `reverse` the last ones, backwards. */
  slice(range: KeyRange, limit: number, reverse = false): StoredPair[] {
    const pairs: StoredPair[] = [];
    if (compareBytes(range.start, range.end) >= 0) return pairs;
    return reverse ? this.#sliceDown(range, limit, pairs) : this.#sliceUp(range, limit, pairs);
  }

  #sliceUp({ start, end }: KeyRange, limit: number, pairs: StoredPair[]): StoredPair[] {
    for (let at = chunkFor(this.#chunks, start);; at++) {
      const chunk = this.#chunks[at];
      if (!chunk) return pairs;
      for (let index = lowerBound(chunk.keys, start); index < chunk.keys.length; index++) {
        const pair = pairAt(chunk, index);
        if (pairs.length >= limit || !pair || compareBytes(pair.key, end) >= 0) return pairs;
        pairs.push(pair);
      }
    }
  }

  #sliceDown({ start, end }: KeyRange, limit: number, pairs: StoredPair[]): StoredPair[] {
    for (let at = chunkFor(this.#chunks, end);; at--) {
      const chunk = this.#chunks[at];
      if (!chunk) return pairs;
      for (let index = lowerBound(chunk.keys, end) - 1; index >= 0; index--) {
        const pair = pairAt(chunk, index);
        if (pairs.length >= limit || !pair || compareBytes(pair.key, start) < 0) return pairs;
        pairs.push(pair);
      }
    }
  }

  /** The chunk at a place of the list, made this map's own; the first one if there is none. */
  #ownChunk(at: number): Chunk {
    if (this.#listShared) {
      this.#chunks = [...this.#chunks];
      this.#listShared = false;
    }
    const chunk = this.#chunks[at];
    if (chunk?.owner === this.#owner) return chunk;
    const own = {
      keys: chunk ? [...chunk.keys] : [],
      values: chunk ? [...chunk.values] : [],
      owner: this.#owner,
    };
    this.#chunks[at] = own;
    return own;
  }

  #split(at: number, chunk: Chunk): void {
    // Rising keys (a log) fill the last chunk; it then stays nearly full behind them.
    const isLast = at === this.#chunks.length - 1;
    const half = isLast ? CHUNK_PAIRS_MAX - 1 : CHUNK_PAIRS_MAX / 2;
    const upper = {
      keys: chunk.keys.splice(half),
      values: chunk.values.splice(half),
      owner: this.#owner,
    };
    this.#chunks.splice(at + 1, 0, upper);
  }
}

/** The place of the last chunk that begins at or below `key`; 0 if none does. */
function chunkFor(chunks: readonly Chunk[], key: Uint8Array): number {
  let low = 0;
  let high = chunks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const first = chunks[middle]?.keys[0];
    if (first && compareBytes(first, key) <= 0) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The place of the first key that is not below `key`. */
function lowerBound(keys: readonly Buffer[], key: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const candidate = keys[middle];
    if (candidate && compareBytes(candidate, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isAt(keys: readonly Buffer[], index: number, key: Uint8Array): boolean {
  const candidate = keys[index];
  return candidate !== undefined && compareBytes(candidate, key) === 0;
}

function pairAt(chunk: Chunk, index: number): StoredPair | undefined {
  const key = chunk.keys[index];
  const value = chunk.values[index];
  return key && value && { key, value };
}
