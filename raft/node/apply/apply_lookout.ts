/**
 * Lets somebody see the engine's state as of one exact index: nothing behind it is
 * applied before.
 */
import type { LogIndex } from "../../types.ts";

interface Look {
  readonly index: LogIndex;
  readonly reached: () => void;
}

export class ApplyLookout {
  #applied: LogIndex;
  #look: Look | undefined;

  /** @param applied The index that is applied already */
  constructor(applied: LogIndex) {
    this.#applied = applied;
  }

  /**
   * Has `reached` called once everything up to `index` is in the engine: at
   * exactly that index, unless it was passed already or a snapshot skips it.
   * A later call takes the place of an earlier one.
   *
   * @returns A function that takes it back
   */
  lookAt(index: LogIndex, reached: () => void): () => void {
    const look = { index, reached };
    this.#look = look;
    this.moveTo(this.#applied);
    return () => {
      if (this.#look === look) this.#look = undefined;
    };
  }

  /** Whether a batch must end with this entry. */
  stopsAt(index: LogIndex): boolean {
    return this.#look?.index === index;
  }

  /** Everything up to `index` is in the engine, and nothing behind it yet. */
  moveTo(index: LogIndex): void {
    this.#applied = index;
    const look = this.#look;
    if (look === undefined || index < look.index) return;
    this.#look = undefined;
    look.reached();
  }
}
