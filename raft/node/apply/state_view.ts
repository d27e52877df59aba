/** A consistent view of all that a node has applied, and the hash of what of it replicas share. */
import { createHash, type Hash } from "node:crypto";
import type { Engine, EngineIterator, KeyValue } from "../../../storage/engine.ts";
import { EngineError } from "../../../storage/engine.ts";
import { generationRange, MACHINE_PREFIX_BYTES } from "../../../storage/key_space.ts";
import type { LogIndex } from "../../types.ts";
import { decodeApplied } from "../members/roster_codec.ts";
import type { LocalRecords } from "./state_machine.ts";

/**
 * Records that are read and hashed in one go; the node does other work in
 * between. Few, because each may hold a value of up to 1 MiB.
 */
const SLICE_RECORDS_MAX = 64;

/** What a state comes to. Equal for equal states only. */
export interface StateHash {
  readonly sha256: Buffer;
  /** Records that were hashed. */
  readonly records: number;
  /** Their keys and values. */
  readonly bytes: number;
}

export class StateView {
  /** The index that the view shows, as the view itself says. */
  readonly index: LogIndex;
  readonly #applied: KeyValue;
  readonly #iterator: EngineIterator;

  private constructor(applied: KeyValue, iterator: EngineIterator) {
    this.index = decodeApplied(applied.value).index;
    this.#applied = applied;
    this.#iterator = iterator;
  }

  /** Opens a view as of the moment of the call. Must be closed: it keeps old data alive. */
  static async open(engine: Engine, generation: number): Promise<StateView> {
    const iterator = engine.iterate(generationRange(generation));
    try {
      const [applied] = await iterator.next(1);
      if (applied !== undefined) return new StateView(applied, iterator);
      const why = `Cannot read generation ${generation}: it has no record of what was applied`;
      throw new EngineError("corruption", why);
    } catch (error) {
      await iterator.close();
      throw error;
    }
  }

  /**
   * Reads everything once, in slices.
   *
   * @param isLocal Tells records that this replica keeps for itself; asked in key order
   * @throws The signal's reason once it is aborted
   */
  async hash(isLocal: LocalRecords, signal: AbortSignal): Promise<StateHash> {
    const tally = new Tally();
    tally.add(Buffer.alloc(0), this.#applied.value);
    for (;;) {
      signal.throwIfAborted();
      const slice = await this.#iterator.next(SLICE_RECORDS_MAX);
      if (slice.length === 0) return tally.end();
      for (const { key, value } of slice) {
        const relative = key.subarray(MACHINE_PREFIX_BYTES);
        if (!isLocal(relative)) tally.add(relative, value);
      }
    }
  }

  close(): Promise<void> {
    return this.#iterator.close();
  }
}

/** Lengths go before the bytes, so that no two lists of records look the same. */
class Tally {
  readonly #hash: Hash = createHash("sha256");
  readonly #lengths = Buffer.alloc(8);
  #records = 0;
  #bytes = 0;

  add(key: Buffer, value: Buffer): void {
    this.#lengths.writeUInt32BE(key.length, 0);
    this.#lengths.writeUInt32BE(value.length, 4);
    this.#hash.update(this.#lengths).update(key).update(value);
    this.#records++;
    this.#bytes += key.length + value.length;
  }

  end(): StateHash {
    return { sha256: this.#hash.digest(), records: this.#records, bytes: this.#bytes };
  }
}
