/** Whether servers need more memory the longer they work. Pure. */

/** One stretch of a soak. */
export interface SoakSample {
  readonly requests: number;
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Of all servers together, at the end of the stretch. */
  readonly residentBytes: number;
}

/** Heaps breathe: what is above this part of what they took before has grown. */
const GROWTH_MAX = 0.1;
/** The first stretches fill caches and warm compilers up: they count for nothing. */
const WARM_UP_PART = 0.2;

/** What is compared: the larger ones of the first and of the second half behind the warm-up. */
export function soakMemory(samples: readonly SoakSample[]): { before: number; after: number } {
  const counted = samples.slice(Math.floor(samples.length * WARM_UP_PART));
  const half = counted.length >> 1;
  const largest = (some: readonly SoakSample[]) =>
    some.reduce((max, { residentBytes }) => Math.max(max, residentBytes), 0);
  return { before: largest(counted.slice(0, half)), after: largest(counted.slice(half)) };
}

export function soakComplaints(samples: readonly SoakSample[]): string[] {
  const { before, after } = soakMemory(samples);
  if (before === 0) return ["The soak was too short to tell"];
  if (after <= before * (1 + GROWTH_MAX)) return [];
  return [
    `The servers took ${after} bytes in the second half and ${before} in the first: at most ` +
    `${100 * GROWTH_MAX} % more are allowed`,
  ];
}
