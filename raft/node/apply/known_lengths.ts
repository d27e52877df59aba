/**
 * How long the values under many keys are, without reading them: a bounded
 * memory of keys that were read or written of late. A put must know what it
 * replaces to keep count of keys and bytes, and asking the engine costs several
 * times what the put itself does.
 *
 * A key is known by its hash alone, so that an entry takes 16 bytes whatever
 * the key's length. That two keys share one is less likely than any fault of
 * the memory they stand in.
 */
import { type HashTarget, type KeyHash, KeyHasher } from "./key_hash.ts";

/** What is known of a key: the length of its value in bytes, or that there is none. */
export type KnownLength = number | "absent";

/** Entries at most; with 16 bytes each they take 64 MiB. */
const KNOWN_LENGTHS_MAX = 1 << 22;

/** Parts that grow each for itself, so that no growth takes longer than a fraction of a millisecond. */
const SEGMENTS = 256;
/** Entries a key may stand in: searched one by one. */
const WAYS = 8;
/** Words of an entry: three of the hash, and the length. */
const ENTRY_WORDS = 4;
const SET_WORDS = WAYS * ENTRY_WORDS;
const SETS_INITIAL = 2;

// Lengths that no value has.
const EMPTY = -1;
const ABSENT = -2;

export interface KnownLengthsOptions {
  /** Of this node alone: replicas that took one key for another would drift apart. */
  readonly secret: string;
  /** A power of two, {@linkcode SEGMENTS} times 16 or more. @default {KNOWN_LENGTHS_MAX} */
  readonly entriesMax?: number;
}

export class KnownLengths {
  readonly #hasher: KeyHasher;
  /** Sets of one segment at most. */
  readonly #setsMax: number;
  #segments: Int32Array[];
  /** Which entry of a full set is overwritten next. */
  #victim = 0;
  /** The result of the reads in {@linkcode draw}: without it a compiler could drop them. */
  #drawn = 0;

  constructor({ secret, entriesMax = KNOWN_LENGTHS_MAX }: KnownLengthsOptions) {
    this.#hasher = new KeyHasher(secret);
    this.#setsMax = Math.max(SETS_INITIAL, entriesMax / (SEGMENTS * WAYS));
    this.#segments = emptySegments();
  }

  /** What a key is known by, here and nowhere else. */
  hash(key: Uint8Array, into?: HashTarget): KeyHash {
    return this.#hasher.hash(key, into);
  }

  /**
   * Touches what is known of many keys, so that the memory is fetched for all of
   * them at once and not with one cache miss after the other.
   */
  draw(keys: readonly KeyHash[]): void {
    let drawn = this.#drawn;
    for (const key of keys) {
      const segment = this.#segmentOf(key);
      const at = setOf(segment, key.a);
      drawn ^= (segment[at] as number) ^ (segment[at + SET_WORDS - 1] as number);
    }
    this.#drawn = drawn;
  }

  /** What is known of the key; undefined if nothing is. */
  get(key: KeyHash): KnownLength | undefined {
    const segment = this.#segmentOf(key);
    const at = entryOf(segment, key);
    if (at < 0) return undefined;
    const length = segment[at + 3] as number;
    return length === ABSENT ? "absent" : length;
  }

  /** Takes note of what is under the key now; forgets another key if need be. */
  set(key: KeyHash, length: KnownLength): void {
    const segment = this.#segmentOf(key);
    const at = entryOf(segment, key);
    const word = length === "absent" ? ABSENT : length;
    if (at >= 0) segment[at + 3] = word;
    else this.#insert(key, word);
  }

  /** Takes note of what is under the key now, if anything is known of it. */
  update(key: KeyHash, length: KnownLength): void {
    const segment = this.#segmentOf(key);
    const at = entryOf(segment, key);
    if (at >= 0) segment[at + 3] = length === "absent" ? ABSENT : length;
  }

  /** Forgets everything. */
  clear(): void {
    this.#segments = emptySegments();
  }

  #segmentOf({ a }: KeyHash): Int32Array {
    return this.#segments[a >>> 24] as Int32Array;
  }

  #insert({ a, b, c }: KeyHash, length: number): void {
    const number = a >>> 24;
    let segment = this.#segments[number] as Int32Array;
    let at = freeEntry(segment, a);
    while (at < 0 && segment.length < this.#setsMax * SET_WORDS) {
      segment = grown(segment);
      this.#segments[number] = segment;
      at = freeEntry(segment, a);
    }
    if (at < 0) {
      this.#victim = (this.#victim + 1) % WAYS;
      at = setOf(segment, a) + this.#victim * ENTRY_WORDS;
    }
    segment[at] = a;
    segment[at + 1] = b;
    segment[at + 2] = c;
    segment[at + 3] = length;
  }
}

function emptySegments(): Int32Array[] {
  return Array.from({ length: SEGMENTS }, () => emptySegment(SETS_INITIAL));
}

function emptySegment(sets: number): Int32Array {
  return new Int32Array(sets * SET_WORDS).fill(EMPTY);
}

/** Where the set of a hash begins. */
function setOf(segment: Int32Array, hash: number): number {
  return (hash & (segment.length / SET_WORDS - 1)) * SET_WORDS;
}

/** Where the entry of a hash begins; -1 if it has none. */
function entryOf(segment: Int32Array, { a, b, c }: KeyHash): number {
  const first = setOf(segment, a);
  for (let at = first; at < first + SET_WORDS; at += ENTRY_WORDS) {
    if (
      segment[at] === a && segment[at + 1] === b && segment[at + 2] === c &&
      segment[at + 3] !== EMPTY
    ) return at;
  }
  return -1;
}

/** Where the set of a hash has room; -1 if it has none. */
function freeEntry(segment: Int32Array, hash: number): number {
  const first = setOf(segment, hash);
  for (let at = first; at < first + SET_WORDS; at += ENTRY_WORDS) {
    if (segment[at + 3] === EMPTY) return at;
  }
  return -1;
}

/** The same entries in twice as many sets: each set's go into two, so that all have room. */
function grown(segment: Int32Array): Int32Array {
  const larger = emptySegment(2 * segment.length / SET_WORDS);
  for (let at = 0; at < segment.length; at += ENTRY_WORDS) {
    if (segment[at + 3] === EMPTY) continue;
    const to = freeEntry(larger, segment[at] as number);
    larger.set(segment.subarray(at, at + ENTRY_WORDS), to);
  }
  return larger;
}
