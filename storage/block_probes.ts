/**
 * Has RocksDB verify the blocks that were read in a row. The binding's iterators
 * do not, and a record's own checksum (record_checksum.ts) cannot tell that a
 * record is not there: one changed bit in what RocksDB keeps with a key, its
 * number or kind, hides the record, or brings an older one back. Reading single
 * keys does verify the block they are found in. So a few of the keys are read
 * once more: enough that each block has one, and, for whoever asks for it, the
 * key next to each end of the range, whose block may hold the outermost record.
 *
 * Not seen are blocks that show no record at all any more, where one record
 * fills a block, or if all others have newer versions elsewhere.
 */
import type { KeyValue } from "./engine.ts";
import { MACHINE_PREFIX_BYTES } from "./key_space.ts";
import { type NativeDatabase, promised } from "./rocksdb_binding.ts";

/** Bytes of keys and values after which another is read again: a block has four times as many. */
const PROBE_BYTES = 1_024;

/** Behind a prefix it is above all keys that are likely to be there. */
const END = Buffer.alloc(64, 0xff);

/** On which side of a key its neighbour is wanted. */
export type Side = "below" | "above";

export class BlockProbes {
  readonly #database: NativeDatabase;
  readonly #range: { readonly gte: Buffer; readonly lt: Buffer };

  constructor(database: NativeDatabase, range: { readonly gte: Buffer; readonly lt: Buffer }) {
    this.#database = database;
    this.#range = range;
  }

  /**
   * The key next to the range that begins like all keys in it; undefined if
   * there is none. Passes by whatever was removed there.
   *
   * @throws {Error} In RocksDB's words
   */
  async neighbour(side: Side): Promise<Buffer | undefined> {
    const { gte, lt } = this.#range;
    const prefix = commonPrefix(gte, lt);
    // Other generations are no neighbours: what one has left may be a million removed keys.
    if (prefix.length < MACHINE_PREFIX_BYTES) return undefined;
    const end = Buffer.concat([prefix, END]);
    const beyond = side === "below" ? { gte: prefix, lt: gte } : { gte: lt, lt: end };
    if (Buffer.compare(beyond.gte, beyond.lt) >= 0) return undefined;
    const reverse = side === "below";
    const iterator = this.#database.iterator({
      ...beyond,
      reverse,
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
   * Verifies the blocks of pairs that were read in a row, and of other keys.
   *
   * @throws {Error} In RocksDB's words, if one is damaged
   */
  async verify(pairs: readonly KeyValue[], others: readonly Buffer[]): Promise<void> {
    const keys = [...probesOf(pairs), ...others];
    if (keys.length === 0) return;
    await promised((callback) => this.#database.getMany(keys, callback));
  }
}

function commonPrefix(a: Buffer, b: Buffer): Buffer {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return a.subarray(0, length);
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
