/**
 * How long the values under many keys are, without reading them: a bounded
 * memory of keys that were read or written of late. A put must know what it
 * replaces to keep count of keys and bytes, and asking the engine costs several
 * times what the put itself does.
 *
 * A key is known by 96 bits of a seeded hash, so that an entry takes 16 bytes
 * whatever the key's length. That two keys share them is less likely than any
 * fault of the memory they stand in.
 */
import { crc32 } from "node:zlib";

/** What is known of a key: the length of its value in bytes, or that there is none. */
export type KnownLength = number | "absent";

/** Entries at most; with 16 bytes each they take 64 MiB. */
export const KNOWN_LENGTHS_MAX = 1 << 22;

/** Parts that grow each for itself, so that no growth takes longer than a fraction of a millisecond. */
const SEGMENTS = 256;
/** Entries a key may stand in: searched one by one. */
const WAYS = 8;
/** Words of an entry: three of the hash, and the length. */
const ENTRY_WORDS = 4;
const SET_WORDS = WAYS * ENTRY_WORDS;
const SETS_INITIAL = 2;

// Lengths that no value has.
const EMPTY = 0xffffffff;
const ABSENT = 0xfffffffe;

export interface KnownLengthsOptions {
  /**
   * Differs from node to node and is known to nobody else, so that no client
   * can search for keys that collide: replicas that take one for the other
   * would drift apart.
   */
  readonly secret: string;
  /** A power of two, {@linkcode SEGMENTS} times 16 or more. @default {KNOWN_LENGTHS_MAX} */
  readonly entriesMax?: number;
}

export class KnownLengths {
  readonly #seed: number;
  /** Sets of one segment at most. */
  readonly #setsMax: number;
  #segments: Uint32Array[];
  /** Which way of a full set gives way next. */
  #victim = 0;
  // The hash of the key that is looked for.
  #a = 0;
  #b = 0;
  #c = 0;

  constructor({ secret, entriesMax = KNOWN_LENGTHS_MAX }: KnownLengthsOptions) {
    this.#seed = crc32(secret) | 0;
    this.#setsMax = Math.max(SETS_INITIAL, entriesMax / (SEGMENTS * WAYS));
    this.#segments = emptySegments();
  }

  /** What is known of the key; undefined if nothing is. */
  get(key: Uint8Array): KnownLength | undefined {
    const segment = this.#find(key);
    const at = this.#entry(segment);
    if (at < 0) return undefined;
    const length = segment[at + 3] as number;
    return length === ABSENT ? "absent" : length;
  }

  /** Takes note of what is under the key now; forgets another key if need be. */
  set(key: Uint8Array, length: KnownLength): void {
    const segment = this.#find(key);
    const at = this.#entry(segment);
    const word = length === "absent" ? ABSENT : length;
    if (at >= 0) segment[at + 3] = word;
    else this.#insert(word);
  }

  /** Takes note of what is under the key now, if anything is known of it. */
  update(key: Uint8Array, length: KnownLength): void {
    const segment = this.#find(key);
    const at = this.#entry(segment);
    if (at >= 0) segment[at + 3] = length === "absent" ? ABSENT : length;
  }

  /** Forgets everything. */
  clear(): void {
    this.#segments = emptySegments();
  }

  /** Hashes the key and finds its segment. */
  #find(key: Uint8Array): Uint32Array {
    this.#hash(key);
    return this.#segments[this.#a >>> 24] as Uint32Array;
  }

  /** Where the entry of the hashed key begins; -1 if it has none. */
  #entry(segment: Uint32Array): number {
    const first = setOf(segment, this.#a);
    for (let at = first; at < first + SET_WORDS; at += ENTRY_WORDS) {
      if (
        segment[at] === this.#a && segment[at + 1] === this.#b && segment[at + 2] === this.#c &&
        segment[at + 3] !== EMPTY
      ) return at;
    }
    return -1;
  }

  #insert(length: number): void {
    const number = this.#a >>> 24;
    let segment = this.#segments[number] as Uint32Array;
    let at = freeEntry(segment, this.#a);
    while (at < 0 && segment.length < this.#setsMax * SET_WORDS) {
      segment = grown(segment);
      this.#segments[number] = segment;
      at = freeEntry(segment, this.#a);
    }
    if (at < 0) {
      this.#victim = (this.#victim + 1) % WAYS;
      at = setOf(segment, this.#a) + this.#victim * ENTRY_WORDS;
    }
    segment[at] = this.#a;
    segment[at + 1] = this.#b;
    segment[at + 2] = this.#c;
    segment[at + 3] = length;
  }

  /** Three times MurmurHash3 (Appleby), with constants and a seed for each. */
  #hash(key: Uint8Array): void {
    const { length } = key;
    let a = this.#seed;
    let b = this.#seed ^ 0x5bd1e995;
    let c = this.#seed ^ 0x2545f491;
    const whole = length & ~3;
    for (let i = 0; i < length; i += 4) {
      const word = i < whole ? wordAt(key, i) : tailAt(key, i);
      a = mix(a, word, 0xcc9e2d51, 0x1b873593);
      b = mix(b, word, 0x239b961b, 0xab0e9789);
      c = mix(c, word, 0x38b34ae5, 0xa1e38b93);
    }
    this.#a = finish(a ^ length);
    this.#b = finish(b ^ length);
    this.#c = finish(c ^ length);
  }
}

function emptySegments(): Uint32Array[] {
  return Array.from({ length: SEGMENTS }, () => emptySegment(SETS_INITIAL));
}

function emptySegment(sets: number): Uint32Array {
  return new Uint32Array(sets * SET_WORDS).fill(EMPTY);
}

/** Where the set of a hash begins. */
function setOf(segment: Uint32Array, hash: number): number {
  return (hash & (segment.length / SET_WORDS - 1)) * SET_WORDS;
}

/** Where the set of a hash has room; -1 if it has none. */
function freeEntry(segment: Uint32Array, hash: number): number {
  const first = setOf(segment, hash);
  for (let at = first; at < first + SET_WORDS; at += ENTRY_WORDS) {
    if (segment[at + 3] === EMPTY) return at;
  }
  return -1;
}

/** The same entries in twice as many sets: each set's go into two, so that all have room. */
function grown(segment: Uint32Array): Uint32Array {
  const larger = emptySegment(2 * segment.length / SET_WORDS);
  for (let at = 0; at < segment.length; at += ENTRY_WORDS) {
    if (segment[at + 3] === EMPTY) continue;
    const to = freeEntry(larger, segment[at] as number);
    larger.set(segment.subarray(at, at + ENTRY_WORDS), to);
  }
  return larger;
}

function wordAt(key: Uint8Array, i: number): number {
  return (key[i] as number) | (key[i + 1] as number) << 8 | (key[i + 2] as number) << 16 |
    (key[i + 3] as number) << 24;
}

/** The last bytes; those that would follow count as 0, and the length tells them apart. */
function tailAt(key: Uint8Array, i: number): number {
  let word = 0;
  for (let at = key.length - 1; at >= i; at--) word = word << 8 | (key[at] as number);
  return word;
}

function mix(hash: number, word: number, first: number, second: number): number {
  const spread = Math.imul(word, first);
  const mixed = hash ^ Math.imul(spread << 15 | spread >>> 17, second);
  return (Math.imul(mixed << 13 | mixed >>> 19, 5) + 0x561ccd1b) | 0;
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  mixed = Math.imul(mixed ^ mixed >>> 13, 0xc2b2ae35);
  return (mixed ^ mixed >>> 16) >>> 0;
}
