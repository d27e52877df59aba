/** How far a move has come. */
import type { MoveView } from "../api.ts";

/** 0 to 1, by bytes, else by keys; null if the source has told neither total. */
export function moveProgress(move: MoveView): number | null {
  if (move.phase === "Done" || move.phase === "Cleaning") return 1;
  return share(move.bytesDone, move.bytesTotal) ?? share(move.keysDone, move.keysTotal);
}

/** Writes go on while a shard is copied, so more may be done than there was at first. */
function share(done: number, total: number | null): number | null {
  return total === null || total <= 0 ? null : Math.min(1, done / total);
}
