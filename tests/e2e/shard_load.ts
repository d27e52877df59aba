/** Callers that write to one shard and read from it without pause, and what each call met. */
import type { KvClerk } from "../../client/kv_clerk.ts";

/** One call that was answered; times are those of `performance.now()`. */
export interface Timed {
  readonly startMs: number;
  readonly endMs: number;
}

export interface ShardLoadOptions {
  readonly clerk: KvClerk;
  /** Callers that write, one write at a time each. */
  readonly writers: number;
  readonly readers: number;
  /** Keys of the shard that are there; readers read them, and writers write over them. */
  readonly keys: readonly string[];
  /** In front of every key of the writers' own. */
  readonly prefix: string;
  readonly valueBytes: number;
}

const decoder = new TextDecoder();

export class ShardLoad {
  readonly writes: Timed[] = [];
  readonly reads: Timed[] = [];
  readonly #options: ShardLoadOptions;
  readonly #running: Promise<unknown>;
  /** Words acknowledged, by writer: what its key must hold in the end. */
  readonly #words: number[];
  #stopped = false;

  /** Begins at once. */
  constructor(options: ShardLoadOptions) {
    this.#options = options;
    const { writers, readers } = options;
    this.#words = new Array<number>(writers).fill(0);
    this.#running = Promise.all([
      ...Array.from({ length: writers }, (_, writer) => this.#write(writer)),
      ...Array.from({ length: readers }, (_, reader) => this.#read(reader)),
    ]);
    this.#running.catch(() => {});
  }

  /**
   * Ends the calls and waits for those under way.
   *
   * @throws {KvError} If one has failed
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Keys whose words are not all there, each once and in order. */
  async wrong(): Promise<string[]> {
    const keys = this.#words.map((_, writer) => this.#ownKey(writer));
    const values = await this.#options.clerk.getMany(keys);
    return keys.filter((_, writer) => {
      const words = Array.from({ length: this.#words[writer] ?? 0 }, (_, n) => `${n},`).join("");
      return decoder.decode(values[writer] ?? new Uint8Array()) !== words;
    });
  }

  #ownKey(writer: number): string {
    return `${this.#options.prefix}writer-${writer}`;
  }

  /** Appends to a key of its own once in ten times, and else writes over a key that is there. */
  async #write(writer: number): Promise<void> {
    const { clerk, keys, valueBytes } = this.#options;
    const value = new Uint8Array(valueBytes).fill(writer);
    for (let n = 0; !this.#stopped; n++) {
      const startMs = performance.now();
      if (n % 10 === 0) {
        await clerk.append(this.#ownKey(writer), `${this.#words[writer]},`);
        this.#words[writer] = (this.#words[writer] ?? 0) + 1;
      } else {
        await clerk.put(keys[(writer * 7919 + n * 104_729) % keys.length] ?? "", value);
      }
      this.writes.push({ startMs, endMs: performance.now() });
    }
  }

  async #read(reader: number): Promise<void> {
    const { clerk, keys } = this.#options;
    for (let n = 0; !this.#stopped; n++) {
      const startMs = performance.now();
      await clerk.get(keys[(reader * 6007 + n * 15_485_863) % keys.length] ?? "");
      this.reads.push({ startMs, endMs: performance.now() });
    }
  }
}

/** The calls that were under way at some time between the two. */
export function within(calls: readonly Timed[], fromMs: number, toMs: number): Timed[] {
  return calls.filter(({ startMs, endMs }) => endMs >= fromMs && startMs <= toMs);
}

/** The longest time in which no call was answered, in milliseconds. */
export function longestPause(calls: readonly Timed[], fromMs: number, toMs: number): number {
  const ends = within(calls, fromMs, toMs).map(({ endMs }) => endMs).sort((a, b) => a - b);
  let longest = 0;
  let last = fromMs;
  for (const end of [...ends, toMs]) {
    longest = Math.max(longest, end - last);
    last = end;
  }
  return longest;
}

/** The longest time without an answer that touches the two, in full even if it reaches beyond them. */
export function longestPauseWithin(
  calls: readonly Timed[],
  fromMs: number,
  toMs: number,
): number {
  const ends = calls.map(({ endMs }) => endMs).sort((a, b) => a - b);
  let longest = 0;
  for (const [i, end] of ends.entries()) {
    const last = ends[i - 1] ?? end;
    if (end >= fromMs && last <= toMs) longest = Math.max(longest, end - last);
  }
  return longest;
}
