import { assertEquals } from "@std/assert";
import { summarizeMoves } from "./planned_moves.ts";

Deno.test("summarizeMoves() draws runs of shards together, for each way", () => {
  const move = (shardId: number, fromGid: number, toGid: number) => ({ shardId, fromGid, toGid });
  assertEquals(
    summarizeMoves([move(9, 1, 2), move(3, 1, 2), move(4, 1, 2), move(5, 1, 2), move(6, 2, 1)]),
    [
      { fromGid: 1, toGid: 2, shards: "3–5, 9" },
      { fromGid: 2, toGid: 1, shards: "6" },
    ],
  );
  assertEquals(summarizeMoves([]), []);
});
