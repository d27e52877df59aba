/** Seeded hashes of keys, wide enough to stand for the keys themselves. */
import { crc32 } from "node:zlib";

/** 96 bits; each number is a signed integer of 32, the first is as good as any. */
export interface KeyHash {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/**
 * Where a hash is written to: callers that make an object for each key anyway need
 * no second one.
 */
export type HashTarget = { -readonly [Part in keyof KeyHash]: number };

export class KeyHasher {
  readonly #seed: number;

  /**
   * @param secret Differs from node to node and is known to nobody else, so
   *   that no client can search for keys that collide
   */
  constructor(secret: string) {
    this.#seed = crc32(secret) | 0;
  }

  /** Three times MurmurHash3 (Appleby), with constants and a seed for each. */
  hash(key: Uint8Array, into: HashTarget = { a: 0, b: 0, c: 0 }): KeyHash {
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
    into.a = finish(a ^ length);
    into.b = finish(b ^ length);
    into.c = finish(c ^ length);
    return into;
  }
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
  return mixed ^ mixed >>> 16;
}
