/** Where a node cuts its log: what it keeps for members that fall behind. */
import type { RawNode } from "../../raw_node.ts";
import type { LogIndex } from "../../types.ts";

/** While a member is brought up to date by a snapshot, so many times as much is kept at most. */
const CATCH_UP_FACTOR = 4;

/** What is kept behind the applied index. */
export interface RetentionLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/**
 * The index to cut the log at. A snapshot takes its time, and under a steady
 * load the log would be cut behind it meanwhile: whoever has fetched it would
 * need the next one, for as long as writes come. So the entries behind it stay,
 * within bounds.
 */
export function cutIndex(
  core: Pick<RawNode, "compactionIndex" | "catchUpIndexes">,
  applied: LogIndex,
  { entriesMax, bytesMax }: RetentionLimits,
): LogIndex {
  const retain = (factor: number) =>
    core.compactionIndex({
      applied,
      entriesMax: factor * entriesMax,
      bytesMax: factor * bytesMax,
    });
  const usual = retain(1);
  const needed = core.catchUpIndexes(usual);
  if (needed.length === 0) return usual;
  const least = retain(CATCH_UP_FACTOR);
  // Who is further behind gets another snapshot whatever is kept: nothing is kept for it.
  return Math.min(usual, ...needed.filter((index) => index >= least));
}
