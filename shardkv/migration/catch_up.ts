/**
 * Decides when the last owner of a shard is asked to freeze it: once little is left
 * to copy, or once waiting gains nothing more.
 */
import type { PullShardResponse } from "../../proto/gen/shardkv.ts";
import {
  BRAKE_MS_MAX,
  BRAKE_MS_MIN,
  CATCH_UP_RATIO_MAX,
  HAND_OVER_BYTES_MAX,
  HAND_OVER_RECORDS_MAX,
  LOOK_CHUNKS,
  STALLED_LOOKS_MAX,
} from "../limits.ts";
import { changeNumberOf, isChangeCursor } from "../machine/machine_keys.ts";

/** Numbers of the last change that was copied and of the last one there was. */
interface Look {
  readonly at: number;
  readonly changes: number;
}

/**
 * Watches the race between the copy and those who write to the shard. If they write
 * as fast as it is copied, the copy never ends, so they are slowed down; and early,
 * because whatever they write until then has to be copied again.
 */
export class CatchUp {
  #brakeMs = 0;
  #last: Look | undefined;
  /** Chunks since the last look. */
  #chunks = 0;
  /** The fewest changes left to copy at any look. */
  #least = Infinity;
  /** Looks since then. */
  #stalled = 0;

  /** Milliseconds that the source is to hold each write for. */
  get brakeMs(): number {
    return this.#brakeMs;
  }

  /**
   * Takes note of a chunk; to be called once for each.
   *
   * @param before The cursor it follows
   * @returns Whether the shard is to be frozen now
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
   * Every few chunks, compares the copy with the writers, and slows these down if
   * need be.
   *
   * @returns Whether waiting gains nothing more: heavy writes must not put the end
   *   off for ever
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

  /**
   * Sets for how long each write is held: longer if too many changes are made,
   * shorter if few are.
   */
  #adjust(made: number, madeMax: number): void {
    const ms = this.#brakeMs;
    if (made > madeMax) this.#brakeMs = Math.min(BRAKE_MS_MAX, 2 * ms || BRAKE_MS_MIN);
    else if (made < madeMax / 4) this.#brakeMs = ms > BRAKE_MS_MIN ? ms / 2 : 0;
  }
}

function bytesOf(records: PullShardResponse["records"]): number {
  return records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}
