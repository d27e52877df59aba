/** Counts of values in buckets that grow with the value: exact enough, and small. */
import { invariant } from "./invariant.ts";

/** A value is known to within 1/64, 1.6 per cent. */
const FINE = 64;
const DOUBLINGS = 48;

/** Values of one bucket. */
export interface Bucket {
  /** Position in the layout that `bucketsPerDoubling` gives. */
  readonly index: number;
  readonly count: number;
}

export class Histogram {
  readonly bucketsPerDoubling: number;
  readonly #counts: Float64Array;
  #count = 0;
  #sum = 0;
  #max = 0;

  /**
   * @param bucketsPerDoubling A power of two: a value is known to within its inverse.
   *   Values below it have buckets 1 wide. @default {64}
   */
  constructor(bucketsPerDoubling: number = FINE) {
    this.bucketsPerDoubling = bucketsPerDoubling;
    this.#counts = new Float64Array(bucketsPerDoubling * DOUBLINGS);
  }

  /**
   * @param value 0 or more
   * @param times How many such values there were. @default {1}
   */
  record(value: number, times = 1): void {
    this.#add(bucketOf(value, this.bucketsPerDoubling), times);
    this.#sum += value * times;
    if (value > this.#max) this.#max = value;
  }

  /** Takes in values of which only the bucket is known; each counts as the largest of it. */
  recordBucket({ index, count }: Bucket): void {
    if (count === 0) return;
    invariant(index >= 0 && index < this.#counts.length, () => `There is no bucket ${index}`);
    const value = upperEnd(index, this.bucketsPerDoubling);
    this.#add(index, count);
    this.#sum += value * count;
    if (value > this.#max) this.#max = value;
  }

  /** Buckets that hold something, in ascending order. */
  *buckets(): IterableIterator<Bucket> {
    for (const [index, count] of this.#counts.entries()) {
      if (count > 0) yield { index, count };
    }
  }

  get count(): number {
    return this.#count;
  }

  get max(): number {
    return this.#max;
  }

  /** NaN if nothing was recorded. */
  get mean(): number {
    return this.#sum / this.#count;
  }

  /**
   * The value that so many per cent of all values do not exceed; NaN if
   * nothing was recorded.
   *
   * @param percent Above 0, at most 100
   */
  percentile(percent: number): number {
    if (this.#count === 0) return NaN;
    let left = Math.ceil((percent / 100) * this.#count);
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return Math.min(this.#max, upperEnd(bucket, this.bucketsPerDoubling));
    }
    return this.#max;
  }

  #add(bucket: number, times: number): void {
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times;
    this.#count += times;
  }
}

/** Up to the first doubling a bucket is 1 wide; from then on there are as many to each doubling. */
function bucketOf(value: number, perDoubling: number): number {
  if (value < perDoubling) return Math.floor(value);
  const exponent = Math.floor(Math.log2(value)) - Math.log2(perDoubling);
  const within = Math.floor(value / 2 ** exponent) - perDoubling;
  const bucket = (exponent + 1) * perDoubling + within;
  return Math.min(bucket, perDoubling * DOUBLINGS - 1);
}

function upperEnd(bucket: number, perDoubling: number): number {
  if (bucket < perDoubling) return bucket + 1;
  const exponent = Math.floor(bucket / perDoubling) - 1;
  const within = bucket % perDoubling;
  return (perDoubling + within + 1) * 2 ** exponent;
}
