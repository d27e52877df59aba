/** When the source of a shard is to be asked to freeze it: once little is left, or nothing is won by waiting. */
import type { PullShardResponse } from "../proto/gen/shardkv.ts";
import {
  BRAKE_MS_MAX,
  BRAKE_MS_MIN,
  CATCH_UP_LEFT_MAX,
  CATCH_UP_ROUNDS_MAX,
  HAND_OVER_BYTES_MAX,
  HAND_OVER_RECORDS_MAX,
} from "./limits.ts";
import { changeNumberOf, isChangeCursor } from "./machine_keys.ts";

/**
 * A round ends with the last change that there was when it began. Each should
 * be much shorter than the one before it, since it took less time to fetch; if
 * one is not, writers are as fast as the copy and have to be slowed down.
 */
export class CatchUp {
  #rounds = 0;
  /** The change with which the round under way ends. */
  #target = -1;
  /** Changes of the round under way. */
  #size = Infinity;
  #brakeMs = 0;

  /** Milliseconds that the source is to hold each write for. */
  get brakeMs(): number {
    return this.#brakeMs;
  }

  /**
   * Looks at a chunk that came.
   *
   * @param before The cursor it follows
   * @returns Whether the clients are to be stopped for what follows it
   */
  isNear(before: Uint8Array, { cursor, ended, records, changes }: PullShardResponse): boolean {
    if (!isChangeCursor(cursor)) return false;
    // The last of the records may come from a replica that knows of few changes.
    if (!isChangeCursor(before)) return false;
    if (this.#beginRound(changeNumberOf(cursor), changes)) return true;
    if (!ended || records.length > HAND_OVER_RECORDS_MAX) return false;
    // About as much as this will come until the freeze takes effect.
    return bytesOf(records) <= HAND_OVER_BYTES_MAX;
  }

  /** @returns Whether catching up leads nowhere: heavy writes must not put the end off for ever */
  #beginRound(at: number, changes: number): boolean {
    if (at < this.#target) return false;
    const isShorter = changes - at <= this.#size * CATCH_UP_LEFT_MAX;
    this.#rounds++;
    this.#target = changes;
    this.#size = changes - at;
    if (isShorter) return this.#rounds > CATCH_UP_ROUNDS_MAX;
    if (this.#brakeMs === BRAKE_MS_MAX) return true;
    this.#brakeMs = this.#brakeMs === 0 ? BRAKE_MS_MIN : BRAKE_MS_MAX;
    return this.#rounds > CATCH_UP_ROUNDS_MAX;
  }
}

function bytesOf(records: PullShardResponse["records"]): number {
  return records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}
