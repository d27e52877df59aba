import { assert, assertEquals } from "@std/assert";
import { complaint, type MeasuredMove, measureMoves } from "./move.ts";
import { longestPause, longestPauseWithin } from "./shard_load.ts";

const MIB = 16;
/** For a machine that is busy with many tests: on a quiet one it is a twentieth of that. */
const BUSY_PAUSE_MS_MAX = 5_000;

Deno.test("a shard of 16 MiB is written and read while it moves, and nothing is lost or doubled", async () => {
  const options = { mib: MIB, callers: 16, times: 1, valueBytes: 4_096 };
  const { moves: [move], wrong } = await measureMoves(options);
  assert(move !== undefined);
  assertEquals(wrong, []);
  assert(move.bytes >= MIB << 20, `only ${move.bytes} bytes have moved`);
  assert(move.writes.length > 100, `only ${move.writes.length} writes`);
  assert(move.reads.length > 10, `only ${move.reads.length} reads`);
  for (const pauses of [move.writePauses, move.readPauses]) {
    for (const [when, ms] of Object.entries(pauses)) {
      assert(ms < BUSY_PAUSE_MS_MAX, `calls stood still for ${ms} ms: ${when}`);
    }
  }
});

Deno.test("a hand-over that takes too long or loses a write is complained of", () => {
  const move = (handOver: number): MeasuredMove => ({
    from: 100,
    to: 101,
    ms: 9_000,
    bytes: 1,
    writePauses: { baseline: 1, copy: 1, handOver, after: 1 },
    readPauses: { baseline: 1, copy: 1, handOver: 1, after: 1 },
    writes: [1],
    reads: [1],
    residentBytes: [1, 1],
  });
  assertEquals(complaint({ moves: [move(200)], wrong: [] }), undefined);
  assertEquals(
    complaint({ moves: [move(201)], wrong: [] }),
    "Writes stood still for 201 ms (p99) as the shard changed hands: at most 200 are allowed",
  );
  assertEquals(
    complaint({ moves: [move(1)], wrong: ["{move}writer-3"] }),
    "Writes are lost or doubled in {move}writer-3",
  );
});

Deno.test("longestPause() is the longest time without an answer, the ends included", () => {
  const calls = [10, 30, 35].map((endMs) => ({ startMs: endMs - 5, endMs }));
  assertEquals(longestPause(calls, 0, 40), 20);
  assertEquals(longestPause(calls, 8, 80), 45);
  assertEquals(longestPause([], 0, 7), 7);
});

Deno.test("longestPauseWithin() counts a pause in full that reaches beyond the time looked at", () => {
  const calls = [10, 30, 100, 105].map((endMs) => ({ startMs: endMs - 5, endMs }));
  assertEquals(longestPauseWithin(calls, 50, 60), 70);
  assertEquals(longestPauseWithin(calls, 12, 20), 20);
  assertEquals(longestPauseWithin(calls, 101, 104), 5);
  assertEquals(longestPauseWithin([], 0, 7), 0);
});
