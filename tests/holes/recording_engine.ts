/** An engine that keeps what is written to it, batch by batch, and fails when told to. */
import type {
  Engine,
  EngineIterator,
  EngineStats,
  KeyRange,
  KeyValue,
  ScanOptions,
  Write,
  WriteOptions,
} from "../../storage/engine.ts";

export interface Batch {
  readonly writes: readonly Write[];
  readonly sync: boolean;
}

export class RecordingEngine implements Engine {
  readonly #engine: Engine;
  readonly batches: Batch[] = [];
  /** Asked before each write; what it returns is the write's failure. */
  failure: (batch: Batch) => Error | undefined = () => undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Bytes of keys and values in all batches from one on. */
  bytesFrom(first: number): number {
    return this.batches.slice(first).reduce((sum, { writes }) => sum + bytesOf(writes), 0);
  }

  write(writes: readonly Write[], options: WriteOptions): Promise<void> {
    const batch = { writes, sync: options.sync };
    const failure = this.failure(batch);
    if (failure !== undefined) return Promise.reject(failure);
    this.batches.push(batch);
    return this.#engine.write(writes, options);
  }

  /** Recorded as the batch of deletions that it is for a reader. */
  async clearRange(range: KeyRange): Promise<void> {
    const pairs = await this.#engine.scan(range);
    const writes = pairs.map(({ key }): Write => ({ type: "del", key }));
    if (writes.length > 0) this.batches.push({ writes, sync: false });
    await this.#engine.clearRange(range);
  }

  get(key: Uint8Array): Promise<Buffer | undefined> {
    return this.#engine.get(key);
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    return this.#engine.getMany(keys);
  }

  scan(range: KeyRange, options?: ScanOptions): Promise<KeyValue[]> {
    return this.#engine.scan(range, options);
  }

  iterate(range: KeyRange): EngineIterator {
    return this.#engine.iterate(range);
  }

  stats(): EngineStats {
    return this.#engine.stats();
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

function bytesOf(writes: readonly Write[]): number {
  return writes.reduce(
    (sum, write) => sum + write.key.length + (write.type === "put" ? write.value.length : 0),
    0,
  );
}
