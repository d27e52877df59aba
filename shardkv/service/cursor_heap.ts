/** Cursors as a binary heap by the key they stand on; those past their last pair go to the bottom. */
import type { ShardCursor } from "./shard_cursor.ts";

export class CursorHeap {
  readonly #cursors: ShardCursor[];

  constructor(cursors: readonly ShardCursor[]) {
    this.#cursors = [...cursors];
    for (let i = (this.#cursors.length >>> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** The cursor with the smallest key. */
  get top(): ShardCursor | undefined {
    return this.#cursors[0];
  }

  /** To be called when the top cursor has moved. */
  sinkTop(): void {
    this.#sink(0);
  }

  #sink(from: number): void {
    const cursors = this.#cursors;
    for (let i = from;;) {
      let smallest = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < cursors.length && this.#isBefore(child, smallest)) smallest = child;
      }
      if (smallest === i) return;
      const moved = cursors[i] as ShardCursor;
      cursors[i] = cursors[smallest] as ShardCursor;
      cursors[smallest] = moved;
      i = smallest;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const left = this.#cursors[a]?.head;
    const right = this.#cursors[b]?.head;
    if (left === undefined || right === undefined) return left !== undefined;
    return left.key.compare(right.key) < 0;
  }
}
