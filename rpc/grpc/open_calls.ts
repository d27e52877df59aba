/** Calls under way, of a server or a channel. */
import { SequenceMap } from "../../runtime/sequence_map.ts";

export class OpenCalls<Call extends object> implements Iterable<Call> {
  /** Not a `Set`: calls come and go all the time, and must not be kept by it. */
  readonly #calls = new SequenceMap<Call>();
  #next = 0;

  get size(): number {
    return this.#calls.size;
  }

  /** @returns What it is taken off the list by */
  add(call: Call): number {
    const number = this.#next++;
    this.#calls.set(number, call);
    return number;
  }

  /** Takes a call off the list; does nothing the second time. */
  delete(number: number): void {
    this.#calls.delete(number);
  }

  /** Those that are under way now. */
  [Symbol.iterator](): Iterator<Call> {
    return this.#calls.values()[Symbol.iterator]();
  }
}
