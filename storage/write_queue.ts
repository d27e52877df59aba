/**
 * Orders the writes of an engine: one physical batch at a time, and what
 * arrives meanwhile is merged into the next. One fsync then serves every
 * caller that waited for it.
 */
import type { Write } from "./engine.ts";

/**
 * Most changes in a merged batch. The engine encodes a batch in one go on the
 * event loop (about 2 us a change), and this keeps that below some 20 ms.
 */
export const MERGED_WRITES_MAX = 8_192;

/**
 * Most bytes of keys and values in a merged batch: large enough for the group
 * commit of a busy node, small enough that one write does not hold up the next
 * for long or need a huge buffer.
 */
export const MERGED_BYTES_MAX = 8 * 1024 * 1024;

/** What a caller asked for in one call. */
interface QueuedBatch {
  readonly writes: readonly Write[];
  readonly sync: boolean;
  readonly bytes: number;
  resolve(): void;
  reject(reason: unknown): void;
}

/**
 * Writes some callers' batches as one atomic batch, durable if `sync`; never
 * called while a call is under way.
 */
export type Commit = (batches: readonly (readonly Write[])[], sync: boolean) => Promise<void>;

/**
 * A queue in front of a {@linkcode Commit}. A batch larger than the merge
 * limits goes alone. Its length is bounded by its callers, who all wait.
 *
 * After a failed commit the queue refuses everything with the same error:
 * a later batch must not survive where an earlier one was lost.
 */
export class WriteQueue {
  readonly #commit: Commit;
  readonly #queued: QueuedBatch[] = [];
  #running = false;
  #failure: { readonly reason: unknown } | undefined;

  constructor(commit: Commit) {
    this.#commit = commit;
  }

  /**
   * Adds a batch after all earlier ones.
   *
   * @returns Resolves when the batch is written, and durable if `sync`
   * @throws What the commit of this batch or of an earlier one threw
   */
  push(writes: readonly Write[], sync: boolean): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.reason);
    return new Promise((resolve, reject) => {
      this.#queued.push({ writes, sync, bytes: bytesOf(writes), resolve, reject });
      if (!this.#running) this.#run();
    });
  }

  /** Refuses every batch not yet committed, and all later ones, with `reason`. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    for (const batch of this.#queued.splice(0)) batch.reject(this.#failure.reason);
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#queued.length > 0) {
      const merged = this.#takeMerged();
      try {
        const sync = merged.some((batch) => batch.sync);
        await this.#commit(merged.map((batch) => batch.writes), sync);
        for (const batch of merged) batch.resolve();
      } catch (error) {
        for (const batch of merged) batch.reject(error);
        this.fail(error);
      }
    }
    this.#running = false;
  }

  /** The longest run of queued batches within the limits, at least one batch. */
  #takeMerged(): QueuedBatch[] {
    let writes = 0;
    let bytes = 0;
    let count = 0;
    for (const batch of this.#queued) {
      writes += batch.writes.length;
      bytes += batch.bytes;
      if (count > 0 && (writes > MERGED_WRITES_MAX || bytes > MERGED_BYTES_MAX)) break;
      count++;
    }
    return this.#queued.splice(0, count);
  }
}

function bytesOf(writes: readonly Write[]): number {
  let bytes = 0;
  for (const write of writes) {
    bytes += (write.prefix?.length ?? 0) + write.key.length +
      (write.type === "put" ? write.value.length : 0);
  }
  return bytes;
}
