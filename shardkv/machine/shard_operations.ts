/** Reads and writes of each shard since the start: a count for status pages, not part of the state. */

/** Counts of one shard. */
export interface OperationCounts {
  readonly reads: number;
  readonly writes: number;
}

/** Shards are few and numbered from 0, so that arrays do. */
export class ShardOperations {
  #reads = new Float64Array(0);
  #writes = new Float64Array(0);

  countRead(shard: number): void {
    if (shard >= this.#reads.length) this.#reads = grown(this.#reads, shard);
    this.#reads[shard] = (this.#reads[shard] ?? 0) + 1;
  }

  /** @param shards The shard of each write */
  countWrites(shards: Uint16Array): void {
    for (const shard of shards) {
      if (shard >= this.#writes.length) this.#writes = grown(this.#writes, shard);
      this.#writes[shard] = (this.#writes[shard] ?? 0) + 1;
    }
  }

  of(shard: number): OperationCounts {
    return { reads: this.#reads[shard] ?? 0, writes: this.#writes[shard] ?? 0 };
  }
}

/** Twice what is needed, so that it does not happen shard by shard. */
function grown(counts: Float64Array, shard: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * (shard + 1));
  larger.set(counts);
  return larger;
}
