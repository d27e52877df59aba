/**
 * Orders the keys of a write so that neighbouring keys come one after the other. A
 * memory table of RocksDB holds hundreds of thousands of keys, and most of a put's
 * time goes into finding its place there, in memory that no cache holds. Of a run
 * of neighbours only the first has to be found that way.
 */

/** Fewer gain nothing. */
const KEYS_MIN = 128;
/** Keys that are looked at to find the bytes that tell keys apart. */
const SAMPLES = 64;
/**
 * A byte position tells keys apart if this many samples differ there from the most
 * frequent byte: a prefix that nearly all keys share does not count.
 */
const DIFFERENT_MIN = SAMPLES / 4;
/** Bytes of a key that are looked at. */
const SEARCHED_MAX = 128;
/** Bytes to order by: 32 of the 53 bits of a number; the others are left for positions. */
const TELLING_MAX = 4;
const POSITIONS = 2 ** 21;

interface Keyed {
  readonly key: Uint8Array;
}

/**
 * The positions of all keys, ordered by the first bytes in which many of them
 * differ: nearly the order of the keys, for a fraction of a microsecond each. Few
 * keys, and more than 2^21, stay as they are.
 */
export function nearOrder(records: readonly Keyed[]): Float64Array {
  const order = new Float64Array(records.length);
  if (records.length < KEYS_MIN || records.length > POSITIONS) return order.map((_, i) => i);
  const telling = tellingBytes(records);
  for (let i = 0; i < order.length; i++) {
    order[i] = rankOf((records[i] as Keyed).key, telling) * POSITIONS + i;
  }
  order.sort();
  for (let i = 0; i < order.length; i++) order[i] = (order[i] as number) % POSITIONS;
  return order;
}

function rankOf(key: Uint8Array, telling: readonly number[]): number {
  let rank = 0;
  for (let i = 0; i < telling.length; i++) rank = rank * 256 + (key[telling[i] as number] ?? 0);
  return rank;
}

/** Positions of the first bytes that tell keys apart. */
function tellingBytes(records: readonly Keyed[]): number[] {
  const samples = sample(records);
  const telling: number[] = [];
  for (let at = 0; at < SEARCHED_MAX && telling.length < TELLING_MAX; at++) {
    if (SAMPLES - mostAlike(samples, at) >= DIFFERENT_MIN) telling.push(at);
  }
  return telling;
}

/** Keys from all over, not every so-manyth: records may follow a pattern. */
function sample(records: readonly Keyed[]): Uint8Array[] {
  return Array.from({ length: SAMPLES }, (_, i) => {
    const at = (Math.imul(i + 1, 0x9e3779b1) >>> 0) % records.length;
    return (records[at] as Keyed).key;
  });
}

/** How many samples have the byte that most of them have at a position. */
function mostAlike(samples: readonly Uint8Array[], at: number): number {
  const counts = new Uint8Array(257);
  let most = 0;
  for (const key of samples) {
    const byte = key[at] ?? 256;
    const count = (counts[byte] as number) + 1;
    counts[byte] = count;
    if (count > most) most = count;
  }
  return most;
}
