/**
 * node:http2 keeps the streams of a connection in a `Map`. Calls come and go in
 * it, each a stream, until everything that a server makes for a call outlives
 * the collections of young objects (see `SequenceMap`): with hundreds of calls
 * at a time that was a tenth of what a leader does. node:http2 has no option
 * for it, so this reaches for what it keeps to itself; should that be elsewhere
 * one day, servers are slower and a test fails.
 */
import type { Http2Session } from "node:http2";
import { SequenceMap } from "../../runtime/sequence_map.ts";

/** What a session of node:http2 keeps under a symbol of this description. */
const STATE_DESCRIPTION = "state";

interface SessionState {
  streams?: { readonly size: number };
}

/** What a `Map` from numbers to objects can do, kept in a {@linkcode SequenceMap}. */
export class StreamTable<Stream extends object> implements ReadonlyMap<number, Stream> {
  readonly #streams = new SequenceMap<Stream>();

  get size(): number {
    return this.#streams.size;
  }

  get(id: number): Stream | undefined {
    return this.#streams.get(id);
  }

  has(id: number): boolean {
    return this.#streams.get(id) !== undefined;
  }

  set(id: number, stream: Stream): this {
    this.#streams.set(id, stream);
    return this;
  }

  delete(id: number): boolean {
    return this.#streams.delete(id);
  }

  clear(): void {
    this.#streams.clear();
  }

  /** What is added or removed meanwhile does not count: closing a stream may remove it. */
  forEach(
    callback: (stream: Stream, id: number, table: ReadonlyMap<number, Stream>) => void,
    thisArg?: unknown,
  ): void {
    for (const [id, stream] of this.entries()) {
      Reflect.apply(callback, thisArg, [stream, id, this]);
    }
  }

  entries(): MapIterator<[number, Stream]> {
    return [...this.#streams.entries()].values();
  }

  keys(): MapIterator<number> {
    return [...this.#streams.entries()].map(([id]) => id).values();
  }

  values(): MapIterator<Stream> {
    return this.#streams.values().values();
  }

  [Symbol.iterator](): MapIterator<[number, Stream]> {
    return this.entries();
  }
}

/**
 * Gives a session that has no stream yet a {@linkcode StreamTable}.
 *
 * @returns Whether its `Map` was where it is expected; otherwise nothing has changed
 */
export function replaceStreamTable(session: Http2Session): boolean {
  const symbol = Object.getOwnPropertySymbols(session)
    .find(({ description }) => description === STATE_DESCRIPTION);
  if (symbol === undefined) return false;
  const state = Reflect.get(session, symbol) as SessionState | undefined;
  if (state?.streams?.size !== 0) return false;
  state.streams = new StreamTable();
  return true;
}
