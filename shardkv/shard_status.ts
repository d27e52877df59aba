/** The stages of a shard in a group. eRaft knows all but "Frozen". */
import { unreachable } from "../runtime/invariant.ts";

/**
 * - Serving: ours, clients read and write it.
 * - Pulling: ours, and on its way here from its last owner.
 * - GCing: ours and served; its last owner still has to forget its copy.
 * - BePulling: another group's; kept unchanged until that group has it.
 * - Frozen: nobody's; kept unchanged until a configuration gives it to somebody.
 */
export type ShardStatus = "Serving" | "Pulling" | "BePulling" | "GCing" | "Frozen";

/** Position: the byte that stands for it in a shard record. */
const STATUSES: readonly ShardStatus[] = ["Serving", "Pulling", "BePulling", "GCing", "Frozen"];

/** Whether clients may read and write the shard here. */
export function isServed(status: ShardStatus): boolean {
  return status === "Serving" || status === "GCing";
}

/** Whether the group must stay in its configuration because of this shard. */
export function isInBetween(status: ShardStatus): boolean {
  switch (status) {
    case "Pulling":
    case "BePulling":
    case "GCing":
      return true;
    case "Serving":
    case "Frozen":
      return false;
    default:
      return unreachable(status);
  }
}

export function statusByte(status: ShardStatus): number {
  return STATUSES.indexOf(status);
}

/** @throws {SyntaxError} If the byte stands for no status */
export function statusOfByte(byte: number): ShardStatus {
  const status = STATUSES[byte];
  if (status === undefined) {
    throw new SyntaxError(
      `Cannot read shard status ${byte}: it must be below ${STATUSES.length}`,
    );
  }
  return status;
}
