/** Many moves in few lines: by way, with runs of shards drawn together. */
import type { ActionPreview } from "../../api.ts";

export interface MovesOneWay {
  readonly fromGid: number;
  readonly toGid: number;
  /** Such as `3, 7–9`. */
  readonly shards: string;
}

export function summarizeMoves(moves: ActionPreview["moves"]): MovesOneWay[] {
  const ways = new Map<string, { fromGid: number; toGid: number; ids: number[] }>();
  for (const { shardId, fromGid, toGid } of moves) {
    const key = `${fromGid}-${toGid}`;
    const way = ways.get(key) ?? { fromGid, toGid, ids: [] };
    ways.set(key, way);
    way.ids.push(shardId);
  }
  return [...ways.values()].map(({ fromGid, toGid, ids }) => ({
    fromGid,
    toGid,
    shards: runs(ids.sort((a, b) => a - b)),
  }));
}

function runs(ids: readonly number[]): string {
  const parts: { first: number; last: number }[] = [];
  for (const id of ids) {
    const run = parts.at(-1);
    if (run !== undefined && id === run.last + 1) run.last = id;
    else parts.push({ first: id, last: id });
  }
  return parts.map(({ first, last }) => first === last ? `${first}` : `${first}–${last}`).join(
    ", ",
  );
}
