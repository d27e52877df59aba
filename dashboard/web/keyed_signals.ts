/** Records by key, each in a signal of its own: a change re-renders only what shows that record. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

export interface KeyedSignalsOptions<Key, Value> {
  readonly keyOf: (value: Value) => Key;
  readonly compare: (a: Value, b: Value) => number;
}

export class KeyedSignals<Key, Value> {
  readonly #options: KeyedSignalsOptions<Key, Value>;
  readonly #records = new Map<Key, Signal<Value>>();
  readonly #keys = signal<readonly Key[]>([]);

  constructor(options: KeyedSignalsOptions<Key, Value>) {
    this.#options = options;
  }

  /** In order. Changes only when a record comes or goes. */
  get keys(): ReadonlySignal<readonly Key[]> {
    return this.#keys;
  }

  /** The signal of a record; undefined if there is no such record. */
  get(key: Key): ReadonlySignal<Value> | undefined {
    return this.#records.get(key);
  }

  /** All records in order; whoever calls it in a component follows every one of them. */
  all(): Value[] {
    return this.#keys.value.flatMap((key) => {
      const record = this.#records.get(key);
      return record === undefined ? [] : [record.value];
    });
  }

  /** Puts these records in place of all there were. */
  replace(values: readonly Value[]): void {
    const kept = new Set(values.map(this.#options.keyOf));
    this.remove([...this.#records.keys()].filter((key) => !kept.has(key)));
    this.put(values);
  }

  /** Adds records, or puts them in place of those with the same key. */
  put(values: readonly Value[]): void {
    let grown = false;
    for (const value of values) {
      const key = this.#options.keyOf(value);
      const record = this.#records.get(key);
      if (record !== undefined) {
        record.value = value;
        continue;
      }
      this.#records.set(key, signal(value));
      grown = true;
    }
    if (grown) this.#sort();
  }

  /** Takes records out; keys of none are passed over. */
  remove(keys: readonly Key[]): void {
    const removed = keys.filter((key) => this.#records.delete(key));
    if (removed.length > 0) this.#sort();
  }

  #sort(): void {
    this.#keys.value = [...this.#records]
      .sort(([, a], [, b]) => this.#options.compare(a.peek(), b.peek()))
      .map(([key]) => key);
  }
}
