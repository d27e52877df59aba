/**
 * Has RocksDB verify the blocks that were read in a row. The binding's iterators
 * do not, and a record's own checksum (record_checksum.ts) cannot tell that a
 * record is not there: one changed bit in what RocksDB keeps with a key, its
 * number or kind, hides the record, or brings an older one back. Reading single
 * keys does verify the block they are found in. So a few of the keys are read
 * once more: enough that each block has one, and, for whoever asks for it, the
 * next one above the range, whose block may hold the last record or the only one.
 *
 * Not seen are blocks that show no record at all any more, where one record
 * fills a block, or if all others have newer versions elsewhere.
 */
import type { KeyValue } from "./engine.ts";
import { type NativeDatabase, promised } from "./rocksdb_binding.ts";

/** Bytes of keys and values after which another is read again: a block has four times as many. */
const PROBE_BYTES = 1_024;

/** Above all keys. */
const LAST = Buffer.of(0xff);

export class BlockProbes {
  readonly #database: NativeDatabase;
  readonly #end: Buffer;

  /** @param end Where what is read ends: the first key that does not belong to it */
  constructor(database: NativeDatabase, end: Buffer) {
    this.#database = database;
    this.#end = end;
  }

  /**
   * The first key at or above the end; undefined if there is none. Passes by
   * whatever was removed there, one by one.
   *
   * @throws {Error} In RocksDB's words
   */
  async keyAbove(): Promise<Buffer | undefined> {
    const iterator = this.#database.iterator({
      gte: this.#end,
      lt: LAST,
      values: false,
      limit: 1,
      highWaterMark: 1,
    });
    try {
      return await new Promise((resolve, reject) => {
        iterator.next((error, key) => error ? reject(error) : resolve(key));
      });
    } finally {
      await promised<void>((callback) => iterator.end(callback));
    }
  }

  /**
   * Verifies the blocks of pairs that were read in a row, and of another key.
   *
   * @throws {Error} In RocksDB's words, if one is damaged
   */
  async verify(pairs: readonly KeyValue[], other?: Buffer): Promise<void> {
    const keys = probesOf(pairs);
    if (other !== undefined) keys.push(other);
    if (keys.length === 0) return;
    await promised((callback) => this.#database.getMany(keys, callback));
  }
}

/** The first key, the last, and some in between. */
function probesOf(pairs: readonly KeyValue[]): Buffer[] {
  const probes: Buffer[] = [];
  let bytes = PROBE_BYTES;
  for (const [i, { key, value }] of pairs.entries()) {
    if (bytes >= PROBE_BYTES || i === pairs.length - 1) {
      probes.push(key);
      bytes = 0;
    }
    bytes += key.length + value.length;
  }
  return probes;
}
