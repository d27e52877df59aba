/**
 * Bounds the memory of values that a replica has read for answers that are not
 * complete. Requests that come together also read together, and a few hundred that
 * ask for large values would take gigabytes at once; so they take turns.
 */
import type { Result } from "../../proto/gen/shardkv.ts";
import type { CallContext } from "../../rpc/service.ts";
import { GET_SLICE_KEYS, HELD_BYTES_MAX, READING_KEYS_MAX } from "../limits.ts";

/** Weight of the sizes known before, against those of a slice that was just read. */
const FADING = 0.5;
/**
 * Assumed size of a value before any was read: large, so that not too many large
 * ones are read at once.
 */
const VALUE_BYTES_AT_FIRST = 256 << 10;

/** Who asked; the signal is looked at only if there is a reason to. */
export type Caller = Pick<CallContext, "signal">;

interface Waiting {
  readonly keys: number;
  readonly enter: () => void;
}

export class ReadBudget {
  /** Keys of the reads that are under way. */
  #reading = 0;
  /** Bytes of values that were read and wait for the rest of their answer. */
  #held = 0;
  /** In order of arrival; as many at most as there are requests. */
  #waiting: Waiting[] = [];
  /** Bytes of a value, as seen lately. */
  #valueBytes = VALUE_BYTES_AT_FIRST;

  /** Keys to read from the engine at once, so that values as seen lately fit into what is left. */
  sliceKeys(bytesLeft: number): number {
    const fitting = Math.floor(bytesLeft / Math.max(this.#valueBytes, 1));
    return Math.min(Math.max(fitting, 1), GET_SLICE_KEYS);
  }

  /**
   * Runs a read of so many keys once it has its turn.
   *
   * @throws As `read` does; the caller's reason if it is gone when its turn comes
   */
  async run<Read>(keys: number, read: () => Promise<Read>, caller?: Caller): Promise<Read> {
    const share = Math.min(keys, GET_SLICE_KEYS);
    const mustWait = this.#waiting.length > 0 || !this.#hasRoom(share);
    if (mustWait) {
      await new Promise<void>((enter) => this.#waiting.push({ keys: share, enter }));
    } else {
      this.#reading += share;
    }
    try {
      if (mustWait) caller?.signal.throwIfAborted();
      return await read();
    } finally {
      this.#reading -= share;
      this.#letIn();
    }
  }

  /** Learns from the sizes of the values in a slice. */
  saw(results: readonly Result[]): void {
    const found = results.filter(({ value }) => value.length > 0);
    if (found.length === 0) return;
    const mean = bytesOf(found) / found.length;
    // Large values count at once, small ones have to show that they are the rule.
    this.#valueBytes = Math.max(mean, this.#valueBytes * FADING + mean * (1 - FADING));
  }

  /** Counts values that are kept until the rest of their answer is there, or never will be. */
  async holdWhile(rest: Promise<unknown>, results: readonly Result[]): Promise<void> {
    const bytes = bytesOf(results);
    this.#held += bytes;
    await rest.catch(() => {});
    this.#held -= bytes;
    this.#letIn();
  }

  #hasRoom(keys: number): boolean {
    if (this.#held > HELD_BYTES_MAX) return false;
    return this.#reading === 0 || this.#reading + keys <= READING_KEYS_MAX;
  }

  #letIn(): void {
    while (this.#waiting[0] !== undefined && this.#hasRoom(this.#waiting[0].keys)) {
      const { keys, enter } = this.#waiting.shift() as Waiting;
      this.#reading += keys;
      enter();
    }
  }
}

function bytesOf(results: readonly Result[]): number {
  return results.reduce((sum, { value }) => sum + value.length, 0);
}
