/** The window of append messages that are on their way to one follower. */
import { invariant } from "../../runtime/invariant.ts";
import type { LogIndex } from "../types.ts";

/** Bounds of a window; a single message may exceed `bytesMax`, or it could never travel. */
export interface InflightsOptions {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** A ring of (last index, payload bytes), oldest first, bounded by count and by bytes. */
export class Inflights {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  /** Rings that grow to `messagesMax` slots as they are first used. */
  readonly #lastIndexes: LogIndex[] = [];
  readonly #sizes: number[] = [];
  #oldest = 0;
  /** Invariant: 0 <= count <= messagesMax. */
  #count = 0;
  /** Invariant: the sum of the sizes in the window. */
  #bytes = 0;

  constructor(options: InflightsOptions) {
    this.#messagesMax = options.messagesMax;
    this.#bytesMax = options.bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing more may be sent before something is acknowledged. */
  get full(): boolean {
    return this.#count === this.#messagesMax || this.#bytes >= this.#bytesMax;
  }

  /** Notes a message that ends at `lastIndex`; indexes must rise. */
  add(lastIndex: LogIndex, bytes: number): void {
    invariant(!this.full, () => `Window of ${this.#count} messages has room for one more`);
    invariant(bytes >= 0, () => `Message size ${bytes} is not negative`);
    const slot = (this.#oldest + this.#count) % this.#messagesMax;
    this.#lastIndexes[slot] = lastIndex;
    this.#sizes[slot] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Forgets every message that ends at or below `index`: they have arrived. */
  freeTo(index: LogIndex): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#oldest] ?? 0) <= index) {
      this.#bytes -= this.#sizes[this.#oldest] ?? 0;
      this.#count--;
      this.#oldest = (this.#oldest + 1) % this.#messagesMax;
    }
    invariant(this.#bytes >= 0, () => `Window holds ${this.#bytes} bytes, never less than none`);
    invariant(this.#count > 0 || this.#bytes === 0, "An empty window holds no bytes");
  }

  /** Forgets everything: what was on its way no longer tells us anything. */
  reset(): void {
    this.#oldest = 0;
    this.#count = 0;
    this.#bytes = 0;
  }
}
