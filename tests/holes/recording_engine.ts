/** An engine that keeps what is written to it and to its journal, in order, and fails when told to. */
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
import { fullKey } from "../../storage/full_key.ts";
import type { Journal } from "../../storage/journal/journal.ts";

export interface Batch {
  readonly writes: readonly Write[];
  readonly sync: boolean;
}

/** One thing that was written: a batch, or what was done to the journal. */
export type Step = Batch | { readonly record: Buffer } | { readonly forgotten: number };

export class RecordingEngine implements Engine {
  readonly #engine: Engine;
  readonly journal: Journal;
  readonly steps: Step[] = [];
  /** Asked before each batch; what it returns is the write's failure. */
  failure: (batch: Batch) => Error | undefined = () => undefined;

  /** @param journal Stands in for the engine's own */
  constructor(engine: Engine, journal: Journal = engine.journal) {
    this.#engine = engine;
    this.journal = {
      get newest() {
        return journal.newest;
      },
      get bytes() {
        return journal.bytes;
      },
      append: (payload) => {
        this.steps.push({ record: Buffer.concat(payload) });
        return journal.append(payload);
      },
      records: () => journal.records(),
      forget: (below) => {
        this.steps.push({ forgotten: below });
        return journal.forget(below);
      },
    };
  }

  get batches(): Batch[] {
    return this.steps.filter((step) => "writes" in step);
  }

  get records(): Buffer[] {
    return this.steps.flatMap((step) => "record" in step ? [step.record] : []);
  }

  /** Bytes of keys, values and records in all steps from one on. */
  bytesFrom(first: number): number {
    return this.steps.slice(first).reduce((sum, step) => sum + bytesOf(step), 0);
  }

  write(writes: readonly Write[], options: WriteOptions): Promise<void> {
    const batch = { writes, sync: options.sync };
    const failure = this.failure(batch);
    if (failure !== undefined) return Promise.reject(failure);
    this.steps.push(batch);
    return this.#engine.write(writes, options);
  }

  /** Recorded as the batch of deletions that it is for a reader. */
  async clearRange(range: KeyRange): Promise<void> {
    const pairs = await this.#engine.scan(range);
    const writes = pairs.map(({ key }): Write => ({ type: "del", key }));
    if (writes.length > 0) this.steps.push({ writes, sync: false });
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

function bytesOf(step: Step): number {
  if ("record" in step) return step.record.length;
  if ("forgotten" in step) return 0;
  return step.writes.reduce(
    (sum, write) => sum + fullKey(write).length + (write.type === "put" ? write.value.length : 0),
    0,
  );
}
