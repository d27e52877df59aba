/** Drawing from a seed in the terms in which options and faults are thought of. */
import { createPrng, type Prng } from "../../runtime/prng.ts";

export class Draw {
  readonly prng: Prng;

  constructor(prng: Prng) {
    this.prng = prng;
  }

  /** A generator of its own, so that what one part draws does not shift what others draw. */
  fork(): Draw {
    return new Draw(createPrng(this.prng.below(2 ** 32) * 2 ** 20 + this.prng.below(2 ** 20)));
  }

  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + this.prng.below(max - min + 1);
  }

  /** As `between`, but every order of magnitude is as likely as the next. */
  magnitude(min: number, max: number): number {
    const exponent = this.fraction() * Math.log(max / min);
    return Math.min(max, Math.round(min * Math.exp(exponent)));
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.prng.below(2 ** 32) / 2 ** 32;
  }

  /** True once in `odds` times on the average; never for 0. */
  oneIn(odds: number): boolean {
    return odds > 0 && this.prng.below(odds) === 0;
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.prng.below(items.length)];
    if (item === undefined) throw new RangeError("Cannot pick from nothing");
    return item;
  }

  /** One of the items, each as likely as its weight says. */
  weighted<T>(items: readonly (readonly [item: T, weight: number])[]): T {
    const total = items.reduce((sum, [, weight]) => sum + weight, 0);
    let rest = this.prng.below(total);
    for (const [item, weight] of items) {
      rest -= weight;
      if (rest < 0) return item;
    }
    throw new RangeError("Cannot pick by weight: all weights are 0");
  }

  /** Each item with even odds, in their order; may be empty or all. */
  subset<T>(items: readonly T[]): T[] {
    return items.filter(() => this.prng.below(2) === 0);
  }
}
