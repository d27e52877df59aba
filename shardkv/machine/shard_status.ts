/** The stages of a shard in a group. eRaft knows all but "Frozen" and "Leaving". */
import { unreachable } from "../../runtime/invariant.ts";

/**
 * - Serving: ours, clients read and write it.
 * - Pulling: ours, and on its way here from its last owner.
 * - GCing: ours and served; its last owner still has to forget its copy.
 * - Leaving: another group's, and served until that group has nearly all of it.
 * - BePulling: another group's; kept unchanged until that group has it.
 * - Frozen: nobody's; kept unchanged until a configuration gives it to somebody.
 */
export type ShardStatus = "Serving" | "Pulling" | "BePulling" | "GCing" | "Frozen" | "Leaving";

/** Position: the byte that stands for it in a shard record. */
const STATUSES: readonly ShardStatus[] = [
  "Serving",
  "Pulling",
  "BePulling",
  "GCing",
  "Frozen",
  "Leaving",
];

/** Whether clients may read and write the shard here. */
export function isServed(status: ShardStatus): boolean {
  return isOwn(status) || status === "Leaving";
}

/** Whether the shard is here, and the configuration gives it to this group. */
export function isOwn(status: ShardStatus): boolean {
  return status === "Serving" || status === "GCing";
}

/** Whether the shard is another group's by now, and kept for it. */
export function isGiven(status: ShardStatus): boolean {
  return status === "Leaving" || status === "BePulling";
}

/** eRaft's word for the status. Whether the shard is still served does not show in it. */
export function statusName(status: ShardStatus): string {
  return status === "Leaving" ? "BePulling" : status;
}

/** Whether the group must stay in its configuration because of this shard. */
export function isInBetween(status: ShardStatus): boolean {
  switch (status) {
    case "Pulling":
    case "Leaving":
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
