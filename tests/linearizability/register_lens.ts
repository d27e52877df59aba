/** What a history can tell apart of a register: the values that anybody names, and their beginnings. */
import type { Lens } from "./model.ts";
import { OnlyMakers, seenBy } from "./only_makers.ts";
import type { RegisterInput, RegisterOperation, RegisterState } from "./register_model.ts";

/** Stands for every value nobody names. Not made of bytes, so that it begins none of the others. */
const UNNAMED = "\uffff";

/** Most bytes of named values that are searched for what each unanswered append would add. */
const SEARCHED_BYTES_MAX = 2 ** 22;

/**
 * A value that begins none of those that an answer or an expectation still to
 * come names stays so whatever is appended to it: only its presence is seen.
 */
export class RegisterLens implements Lens<RegisterState, RegisterInput> {
  /** Sorted, each once. */
  readonly #named: readonly string[];
  readonly #lastNamed: RangeMaximum;
  readonly #namedBytes: number;
  readonly #lastWith = new Map<string, number>();
  readonly #makers: OnlyMakers;

  constructor(operations: readonly RegisterOperation[]) {
    this.#makers = new OnlyMakers(operations);
    const last = new Map<string, number>();
    for (const operation of operations) {
      const end = operation.outcome.kind === "ok" ? operation.return : Infinity;
      for (const value of namedBy(operation)) {
        last.set(value, Math.max(end, last.get(value) ?? 0));
      }
    }
    this.#named = [...last.keys()].toSorted((a, b) => a < b ? -1 : 1);
    this.#namedBytes = this.#named.reduce((sum, { length }) => sum + length, 0);
    this.#lastNamed = new RangeMaximum(this.#named.map((value) => last.get(value) ?? 0));
  }

  blur(state: RegisterState, since: number): RegisterState {
    if (state === undefined || state === UNNAMED) return state;
    const first = this.#lowerBound(state);
    const end = this.#lowerBound(state + UNNAMED);
    return this.#lastNamed.of(first, end) >= since ? state : UNNAMED;
  }

  effectOf(input: RegisterInput, since: number): string {
    switch (input.op) {
      case "put":
        return `put ${this.blur(input.value, since)}`;
      case "append":
        return this.#lastNamedWith(input.value) < since
          ? `put ${UNNAMED}`
          : `append ${input.value}`;
      case "cas":
        return JSON.stringify([input.expected ?? null, this.blur(input.value, since) ?? null]);
      default:
        return input.op;
    }
  }

  permits(index: number, before: RegisterState, after: RegisterState): boolean {
    return this.#makers.permits(index, before, after);
  }

  placed(index: number): void {
    this.#makers.placed(index);
  }

  unplaced(index: number): void {
    this.#makers.unplaced(index);
  }

  /** When a value that holds these bytes was last named. */
  #lastNamedWith(part: string): number {
    if (this.#namedBytes > SEARCHED_BYTES_MAX) return Infinity;
    const known = this.#lastWith.get(part);
    if (known !== undefined) return known;
    let last = -1;
    for (const [i, value] of this.#named.entries()) {
      const end = this.#lastNamed.of(i, i + 1);
      if (end > last && value.includes(part)) last = end;
    }
    this.#lastWith.set(part, last);
    return last;
  }

  /** Position of the first named value that does not sort before this one. */
  #lowerBound(value: string): number {
    let low = 0;
    let high = this.#named.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#named[middle] as string) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function namedBy(operation: RegisterOperation): string[] {
  const { input } = operation;
  const named = [seenBy(operation), input.op === "cas" ? input.expected : undefined];
  return named.filter((value) => value !== undefined);
}

/** The largest number of any range, from those of the ranges that are a power of two long. */
class RangeMaximum {
  readonly #levels: Float64Array[];

  constructor(numbers: readonly number[]) {
    this.#levels = [Float64Array.from(numbers)];
    for (let length = 1; length * 2 <= numbers.length; length *= 2) {
      const below = this.#levels.at(-1) as Float64Array;
      this.#levels.push(
        Float64Array.from(
          { length: below.length - length },
          (_, i) => Math.max(below[i] as number, below[i + length] as number),
        ),
      );
    }
  }

  /** Over positions from `first` to before `end`; -1 for none. */
  of(first: number, end: number): number {
    if (first >= end) return -1;
    const depth = 31 - Math.clz32(end - first);
    const level = this.#levels[depth] as Float64Array;
    return Math.max(level[first] as number, level[end - 2 ** depth] as number);
  }
}
