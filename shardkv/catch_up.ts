/** When the source of a shard is to be asked to freeze it: once little is left, or nothing is won by waiting. */
import type { PullShardResponse } from "../proto/gen/shardkv.ts";
import {
  BRAKE_MS_MAX,
  BRAKE_MS_MIN,
  CATCH_UP_RATIO_MAX,
  HAND_OVER_BYTES_MAX,
  HAND_OVER_RECORDS_MAX,
  LOOK_CHUNKS,
  STALLED_LOOKS_MAX,
} from "./limits.ts";
import { changeNumberOf, isChangeCursor } from "./machine_keys.ts";

/** How far the copy had come, and how many changes there were. */
interface Look {
  readonly at: number;
  readonly changes: number;
}

/**
 * Watches the race between copy and writers. Whoever waits for a shard that is
 * written as fast as it is copied waits for ever; writers are then slowed down,
 * and soon: what they write until they are is copied once more.
 */
export class CatchUp {
  #brakeMs = 0;
  #last: Look | undefined;
  /** Chunks since the last look. */
  #chunks = 0;
  /** The least that any look found left. */
  #least = Infinity;
  /** Looks since then. */
  #stalled = 0;

  /** Milliseconds that the source is to hold each write for. */
  get brakeMs(): number {
    return this.#brakeMs;
  }

  /**
   * Takes note of a chunk that came; once for each.
   *
   * @param before The cursor it follows
   * @returns Whether the clients are to be stopped for what follows it
   */
  note(before: Uint8Array, { cursor, ended, records, changes }: PullShardResponse): boolean {
    if (!isChangeCursor(cursor)) return false;
    // The last of the records may come from a replica that knows of few changes.
    if (!isChangeCursor(before)) return false;
    if (this.#look({ at: changeNumberOf(cursor), changes })) return true;
    if (!ended || records.length > HAND_OVER_RECORDS_MAX) return false;
    // About as much as this will come until the freeze takes effect.
    return bytesOf(records) <= HAND_OVER_BYTES_MAX;
  }

  /**
   * Compares copy and writers now and then, and slows the writers down if need be.
   *
   * @returns Whether nothing is won by waiting: heavy writes must not put the end off for ever
   */
  #look(now: Look): boolean {
    const last = this.#last ??= now;
    this.#chunks++;
    if (this.#chunks < LOOK_CHUNKS) return false;
    this.#chunks = 0;
    this.#last = now;
    const left = now.changes - now.at;
    this.#stalled = left < this.#least ? 0 : this.#stalled + 1;
    this.#least = Math.min(this.#least, left);
    this.#adjust(now.changes - last.changes, (now.at - last.at) * CATCH_UP_RATIO_MAX);
    return this.#brakeMs === BRAKE_MS_MAX && this.#stalled >= STALLED_LOOKS_MAX;
  }

  /** Writers are held no longer than they must be. */
  #adjust(made: number, madeMax: number): void {
    const ms = this.#brakeMs;
    if (made > madeMax) this.#brakeMs = Math.min(BRAKE_MS_MAX, 2 * ms || BRAKE_MS_MIN);
    else if (made < madeMax / 4) this.#brakeMs = ms > BRAKE_MS_MIN ? ms / 2 : 0;
  }
}

function bytesOf(records: PullShardResponse["records"]): number {
  return records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}
