/** A seeded generator of integers: same seed, same sequence, on every machine. */

/** Source of pseudo-random integers that is passed in wherever chance is wanted. */
export interface Prng {
  /** An integer in [0, bound); `bound` is 1 to 2^32. */
  below(bound: number): number;
}

/**
 * The sfc32 generator (Chris Doty-Humphrey, PractRand), seeded from one integer.
 *
 * @param seed Any safe integer; equal seeds give equal sequences
 */
export function createPrng(seed: number): Prng {
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const t = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = (b ^ (b >>> 9)) >>> 0;
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + t) >>> 0;
    return t;
  };
  for (let i = 0; i < 15; i++) next();
  return {
    below(bound: number): number {
      if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
        throw new RangeError(`Cannot draw below ${bound}: the bound must be an integer in 1..2^32`);
      }
      // Drawing again above the last whole multiple keeps every value equally likely.
      const limit = 2 ** 32 - (2 ** 32 % bound);
      let value = next();
      while (value >= limit) value = next();
      return value % bound;
    },
  };
}

/** An unsigned 64-bit number in decimal digits that is unlikely to be drawn twice; never 0. */
export function randomId(prng: Prng): string {
  const high = BigInt(prng.below(2 ** 32));
  const low = BigInt(1 + prng.below(2 ** 32 - 1));
  return ((high << 32n) | low).toString();
}

/** A seed nobody can foresee, for processes that need no replay. */
export function randomSeed(): number {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return ((words[0] ?? 0) & 0x1fffff) * 2 ** 32 + (words[1] ?? 0);
}
