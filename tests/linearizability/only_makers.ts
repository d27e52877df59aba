/**
 * What an order must do because of what others saw: a value that was seen and
 * that only one operation can have made was made by that one, when it had its
 * turn, and must not go before all who saw it have had theirs.
 */
import type { RegisterInput, RegisterOperation, RegisterState } from "./register_model.ts";

/** Lengths of appended values to look for at the end of a seen one; more are not worth the time. */
const APPEND_LENGTHS_MAX = 64;

/** The value an operation saw, and which its turn in the order therefore needs; undefined if none. */
export function seenBy({ input, outcome }: RegisterOperation): RegisterState {
  if (outcome.kind !== "ok") return undefined;
  if (outcome.output.kind === "value") return outcome.output.value;
  if (outcome.output.kind === "mismatch") return outcome.output.current;
  return input.op === "cas" && outcome.output.kind === "swapped" ? input.expected : undefined;
}

export class OnlyMakers {
  readonly #seen: readonly RegisterState[];
  /** The value that an operation must make, by index. */
  readonly #duty = new Map<number, string>();
  /** Of values with one maker: how many of those who saw them have no turn yet. */
  readonly #waiting = new Map<string, number>();

  constructor(operations: readonly RegisterOperation[]) {
    this.#seen = operations.map(seenBy);
    const makers = new Makers(operations);
    const duties = new Map<string, number | undefined>();
    for (let value of this.#seen) {
      while (value !== undefined && value !== "" && !duties.has(value)) {
        const maker = makers.onlyOneOf(value);
        duties.set(value, maker);
        if (maker === undefined) break;
        this.#duty.set(maker, value);
        // An append makes its value out of another, which therefore was there, too.
        const { input } = operations[maker] as RegisterOperation;
        value = input.op === "append" ? value.slice(0, -input.value.length) : undefined;
      }
    }
    for (const value of this.#seen) {
      if (value === undefined || duties.get(value) === undefined) continue;
      this.#waiting.set(value, (this.#waiting.get(value) ?? 0) + 1);
    }
  }

  /** Whether the operation may lead from one state to the other. */
  permits(index: number, before: RegisterState, after: RegisterState): boolean {
    const duty = this.#duty.get(index);
    if (duty !== undefined && duty !== after) return false;
    if (before === undefined || before === after) return true;
    const waiting = this.#waiting.get(before) ?? 0;
    return waiting === 0 || (waiting === 1 && this.#seen[index] === before);
  }

  placed(index: number): void {
    this.#count(index, -1);
  }

  unplaced(index: number): void {
    this.#count(index, 1);
  }

  #count(index: number, change: number): void {
    const value = this.#seen[index];
    const waiting = value === undefined ? undefined : this.#waiting.get(value);
    if (value !== undefined && waiting !== undefined) this.#waiting.set(value, waiting + change);
  }
}

/** Who can have made a value, by what they write or append. */
class Makers {
  readonly #writers = new Map<string, number[]>();
  /** By the length of what is appended. */
  readonly #appenders = new Map<number, Map<string, number[]>>();

  constructor(operations: readonly RegisterOperation[]) {
    for (const [index, { input, outcome }] of operations.entries()) {
      const written = writtenBy(input);
      if (outcome.kind === "ok" && outcome.output.kind === "mismatch") continue;
      if (written !== undefined) noteIn(this.#writers, written, index);
      if (input.op !== "append" || input.value === "") continue;
      const { length } = input.value;
      const ofLength = this.#appenders.get(length) ?? new Map<string, number[]>();
      this.#appenders.set(length, ofLength);
      noteIn(ofLength, input.value, index);
    }
  }

  /** The index of the one operation that can make the value; undefined if more can, or none. */
  onlyOneOf(value: string): number | undefined {
    if (this.#appenders.size > APPEND_LENGTHS_MAX) return undefined;
    const makers = [...this.#writers.get(value) ?? []];
    for (const [length, ofLength] of this.#appenders) {
      if (length <= value.length) makers.push(...ofLength.get(value.slice(-length)) ?? []);
    }
    return makers.length === 1 ? makers[0] : undefined;
  }
}

function writtenBy(input: RegisterInput): RegisterState {
  return input.op === "put" || input.op === "cas" ? input.value : undefined;
}

function noteIn(index: Map<string, number[]>, value: string, operation: number): void {
  const known = index.get(value);
  if (known === undefined) index.set(value, [operation]);
  else known.push(operation);
}
