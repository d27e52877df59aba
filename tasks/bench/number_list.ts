/** Whole numbers on a command line, with commas between them. */

/**
 * Reads such as `1,8,64`.
 *
 * @throws {RangeError} When a part is no number from 1 to `max`
 */
export function parseNumbers(text: string, max: number): readonly number[] {
  const numbers = text.split(",").map((part) => /^\d+$/.test(part) ? Number(part) : NaN);
  if (numbers.every((number) => number >= 1 && number <= max)) return numbers;
  throw new RangeError(`It must be numbers from 1 to ${max} with commas between them`);
}
