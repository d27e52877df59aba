/** Counts of durations in buckets that grow with the duration: exact enough, and small. */

/** Buckets per doubling: a value is known to within 1/64, 1.6 per cent. */
const bucketsPerDoubling = 64;
const doublings = 48;

export class Histogram {
  readonly #counts = new Float64Array(bucketsPerDoubling * doublings);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** @param value 0 or more */
  record(value: number): void {
    const bucket = bucketOf(value);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
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
      if (left <= 0) return Math.min(this.#max, upperEnd(bucket));
    }
    return this.#max;
  }
}

/** Below 64 a bucket is 1 wide; from then on there are 64 to each doubling. */
function bucketOf(value: number): number {
  if (value < bucketsPerDoubling) return Math.floor(value);
  const exponent = Math.floor(Math.log2(value)) - Math.log2(bucketsPerDoubling);
  const within = Math.floor(value / 2 ** exponent) - bucketsPerDoubling;
  const bucket = (exponent + 1) * bucketsPerDoubling + within;
  return Math.min(bucket, bucketsPerDoubling * doublings - 1);
}

function upperEnd(bucket: number): number {
  if (bucket < bucketsPerDoubling) return bucket + 1;
  const exponent = Math.floor(bucket / bucketsPerDoubling) - 1;
  const within = bucket % bucketsPerDoubling;
  return (bucketsPerDoubling + within + 1) * 2 ** exponent;
}
