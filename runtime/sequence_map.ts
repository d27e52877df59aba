/**
 * A map for things under numbers that rise as they come and that go after a
 * while, about in the order in which they came: calls, rounds, replies.
 *
 * A `Map` does this too, but not cheaply in V8: when its table is full of
 * removed entries it takes a new one, and the old table points to the new. Once
 * a collection of old objects has come upon such a map, everything that ever
 * stands in it outlives the collections of young objects, is copied, and waits
 * for the next one of all objects. (The same goes for `Set`, and for what a
 * `WeakMap` leads to.) On a put's way through a replica that was a quarter of
 * all memory that was asked for.
 */
import { invariant } from "./invariant.ts";

/** Places of removed entries that are not worth moving the others for. */
const DEAD_MAX = 32;

export class SequenceMap<Value extends object> {
  /** Ascending; may be those of removed entries. */
  #numbers: number[] = [];
  /** Undefined: removed. */
  #values: (Value | undefined)[] = [];
  /** Invariant: what lies before is removed, and what lies there is not. */
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(number: number): Value | undefined {
    const at = this.#find(number);
    return this.#numbers[at] === number ? this.#values[at] : undefined;
  }

  /** Adds or replaces; cheap if no number is larger. */
  set(number: number, value: Value): void {
    const at = this.#place(number);
    if (this.#values[at] === undefined) {
      this.#head = this.#size === 0 ? at : Math.min(this.#head, at);
      this.#size++;
    }
    this.#values[at] = value;
  }

  /** @returns Whether there was anything */
  delete(number: number): boolean {
    const at = this.#find(number);
    if (this.#numbers[at] !== number || this.#values[at] === undefined) return false;
    this.#values[at] = undefined;
    this.#size--;
    this.#skipRemoved();
    this.#tidy();
    return true;
  }

  /** Removes everything under smaller numbers, telling what it was. */
  deleteBelow(number: number, onDeleted: (value: Value) => void): void {
    while (this.#size > 0 && (this.#numbers[this.#head] as number) < number) {
      const value = this.#values[this.#head];
      invariant(value !== undefined, "The head is not removed");
      this.#values[this.#head] = undefined;
      this.#size--;
      this.#skipRemoved();
      onDeleted(value);
    }
    this.#tidy();
  }

  clear(): void {
    this.#numbers = [];
    this.#values = [];
    this.#head = 0;
    this.#size = 0;
  }

  /** In ascending order. Nothing may be added or removed before it has ended. */
  *entries(): Iterable<[number, Value]> {
    for (let at = this.#head; at < this.#numbers.length; at++) {
      const value = this.#values[at];
      if (value !== undefined) yield [this.#numbers[at] as number, value];
    }
  }

  /** The same as {@linkcode entries}, without an array for each. */
  forEach(visit: (number: number, value: Value) => void): void {
    for (let at = this.#head; at < this.#numbers.length; at++) {
      const value = this.#values[at];
      if (value !== undefined) visit(this.#numbers[at] as number, value);
    }
  }

  /** In ascending order of the numbers. */
  values(): Value[] {
    return this.#values.filter((value) => value !== undefined);
  }

  /** Where the number stands, from now on if it did not. */
  #place(number: number): number {
    const last = this.#numbers.at(-1);
    if (last === undefined || number > last) {
      this.#values.push(undefined);
      return this.#numbers.push(number) - 1;
    }
    const at = this.#find(number);
    if (this.#numbers[at] !== number) {
      this.#numbers.splice(at, 0, number);
      this.#values.splice(at, 0, undefined);
    }
    return at;
  }

  /** Where the number stands, or the first larger one does; the end if there is none. */
  #find(number: number): number {
    let low = 0;
    let high = this.#numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#numbers[middle] as number) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #skipRemoved(): void {
    while (this.#head < this.#values.length && this.#values[this.#head] === undefined) this.#head++;
  }

  /** Closes the gaps once they are as many as the entries: each removal pays for a part of it. */
  #tidy(): void {
    if (this.#numbers.length <= 2 * this.#size + DEAD_MAX) return;
    let to = 0;
    for (let at = this.#head; at < this.#numbers.length; at++) {
      const value = this.#values[at];
      if (value === undefined) continue;
      this.#numbers[to] = this.#numbers[at] as number;
      this.#values[to] = value;
      to++;
    }
    this.#numbers.length = to;
    this.#values.length = to;
    this.#head = 0;
  }
}
