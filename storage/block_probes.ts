/**
 * Has RocksDB verify the blocks that an iterator has read: the binding's iterators
 * do not. A record's own checksum (record_checksum.ts) cannot tell that a record is
 * missing. RocksDB stores a number and a kind with each key; one changed bit there
 * hides the record, or brings an older version back. Reading a single key, however,
 * verifies the block it is found in. So some of the keys are read once more, enough
 * to touch each block, and on demand the next key above the range too, whose block
 * may hold the range's last record or its only one.
 *
 * Damage goes unnoticed in a block that shows no record any more: if one record
 * fills the block, or if all others in it have newer versions elsewhere.
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
