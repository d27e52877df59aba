/**
 * Reads a shard for its next owner, a chunk at a time: first the records in key
 * order, then the change log, whose keys come after those of all records. A cursor
 * is the key, within the shard, of what was read last.
 *
 * The copy is exact although the shard is written meanwhile, and although each
 * chunk may come from another replica, however far that one is behind. All replicas
 * write the same change log, and nothing is read from a replica that has not
 * entered the configuration with which the log begins. So a record that was read
 * too early, or that has changed since it was read, is named in the log and is read
 * again behind the records. Its value is read after the change that names it, and
 * is at least as new as that change; if it is newer, there is a later change too.
 * So the last change of a record brings its last value, and nothing of the record
 * comes after it.
 */
import type { ShardRecord } from "../../proto/gen/shardkv.ts";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { CHUNK_CHANGED_MAX, CHUNK_CHANGES_MAX, CHUNK_RECORDS_MAX } from "../limits.ts";
import {
  changeCursor,
  changeNumberOf,
  changesAfter,
  recordKey,
  recordsAfter,
  relativeOf,
  type Stay,
} from "../machine/machine_keys.ts";

/** Records read at first; more with each read while they turn out small. */
const SLICE_RECORDS_MIN = 4;
/**
 * Records read at once. However small those before them were, the next ones may be
 * large, and all that are read are in memory.
 */
const SLICE_RECORDS_MAX = 64;
/** Changes read at once: each is a number and a key. */
const SLICE_CHANGES_MAX = 1_024;

export interface Chunk {
  readonly records: ShardRecord[];
  /** Key within the shard of what was read last. */
  readonly cursor: Buffer;
  /** There was nothing more to read. */
  readonly ended: boolean;
}

type Reader = Pick<MachineReader, "scan" | "getMany">;
type Change = Awaited<ReturnType<Reader["scan"]>>[number];

/** Records until the bytes are reached; at least one, if there is one. The end of them is where changes begin. */
export async function readRecords(
  reader: Reader,
  stay: Stay,
  cursor: Buffer,
  bytesWanted: number,
): Promise<Chunk> {
  const filling = new Filling(bytesWanted, CHUNK_RECORDS_MAX, SLICE_RECORDS_MAX);
  let { start, end } = recordsAfter(stay, cursor);
  let last = cursor;
  for (;;) {
    const { limit } = filling;
    const slice = await reader.scan(start, end, { limit });
    for (const pair of slice) {
      const key = relativeOf(pair.key);
      if (!filling.add({ key, value: pair.value, deleted: false })) {
        return { records: filling.records, cursor: last, ended: false };
      }
      last = key;
    }
    const lastKey = slice.at(-1)?.key;
    if (lastKey === undefined || slice.length < limit) {
      return { records: filling.records, cursor: changeCursor(0), ended: true };
    }
    start = Buffer.concat([lastKey, Buffer.of(0)]);
    filling.adapt();
  }
}

/**
 * The records that the changes after the cursor name, as they are now. One
 * comes once for all changes that were read together. It comes again for a
 * change that was read later: that may have been made after its value was read.
 */
export async function readChanges(
  reader: Reader,
  stay: Stay,
  cursor: Buffer,
  bytesWanted: number,
): Promise<Chunk> {
  const filling = new Filling(bytesWanted, CHUNK_CHANGED_MAX, SLICE_CHANGES_MAX);
  const first = changeNumberOf(cursor);
  let last = first;
  for (;;) {
    const { limit } = filling;
    const { start, end } = changesAfter(stay, last);
    const changes = await reader.scan(start, end, { limit });
    for (const slice of slicesOf(changes)) {
      const records = await readChanged(reader, stay, slice.keys);
      for (const change of slice.changes) {
        const name = nameOf(change);
        const record = records.get(name);
        if (record !== undefined && !filling.add(record)) {
          return { records: filling.records, cursor: changeCursor(last), ended: false };
        }
        records.delete(name);
        last = changeNumberOf(relativeOf(change.key));
      }
    }
    const ended = changes.length < limit;
    if (ended || last - first >= CHUNK_CHANGES_MAX) {
      return { records: filling.records, cursor: changeCursor(last), ended };
    }
    filling.adapt();
  }
}

/** Neighbours among changes that were read together. */
interface ChangeSlice {
  readonly changes: Change[];
  /** What these change and none before them has changed, by name. */
  readonly keys: Map<string, Buffer>;
}

/** Slices in the order of the changes, each with as many records as may be read at once. */
function* slicesOf(changes: readonly Change[]): Generator<ChangeSlice> {
  const named = new Set<string>();
  let slice: ChangeSlice = { changes: [], keys: new Map() };
  for (const change of changes) {
    const name = nameOf(change);
    if (!named.has(name)) {
      if (slice.keys.size === SLICE_RECORDS_MAX) {
        yield slice;
        slice = { changes: [], keys: new Map() };
      }
      named.add(name);
      slice.keys.set(name, change.value);
    }
    slice.changes.push(change);
  }
  yield slice;
}

/** The key within the shard of the record that has changed, its bytes as Latin-1 text. */
function nameOf({ value }: Change): string {
  return value.toString("latin1");
}

const NO_BYTES = Buffer.alloc(0);

/** The records with these keys within the shard, by the same names. */
async function readChanged(
  reader: Reader,
  stay: Stay,
  keys: ReadonlyMap<string, Buffer>,
): Promise<Map<string, ShardRecord>> {
  if (keys.size === 0) return new Map();
  const values = await reader.getMany([...keys.values()].map((key) => recordKey(stay, key)));
  return new Map([...keys].map(([name, key], i) => {
    const value = values[i];
    return [name, { key, value: value ?? NO_BYTES, deleted: value === undefined }];
  }));
}

/** A chunk that is being filled, and how much to read next. */
class Filling {
  readonly records: ShardRecord[] = [];
  readonly #bytesWanted: number;
  readonly #recordsMax: number;
  readonly #limitMax: number;
  #bytes = 0;
  /** How many records, or changes, to read at once. */
  limit = SLICE_RECORDS_MIN;

  constructor(bytesWanted: number, recordsMax: number, limitMax: number) {
    this.#bytesWanted = bytesWanted;
    this.#recordsMax = recordsMax;
    this.#limitMax = limitMax;
  }

  /** @returns False if there is no room; the first record always has it */
  add(record: ShardRecord): boolean {
    const bytes = this.#bytes + record.key.length + record.value.length;
    const isFull = bytes > this.#bytesWanted || this.records.length >= this.#recordsMax;
    if (this.records.length > 0 && isFull) return false;
    this.#bytes = bytes;
    this.records.push(record);
    return true;
  }

  /** As many again as fit at the size seen so far, so that little is read in vain. */
  adapt(): void {
    const left = this.#bytesWanted - this.#bytes;
    const fitting = Math.ceil(left * this.records.length / Math.max(this.#bytes, 1)) + 1;
    this.limit = Math.max(SLICE_RECORDS_MIN, Math.min(this.limit * 2, fitting, this.#limitMax));
  }
}
