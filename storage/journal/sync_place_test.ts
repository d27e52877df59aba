import { assertEquals } from "@std/assert";
import { SyncPlace } from "./sync_place.ts";

/** Syncs of so many milliseconds, one after the other from a moment on. Returns the last one's end. */
function take(place: SyncPlace, fromMs: number, ...took: number[]): number {
  let nowMs = fromMs;
  for (const ms of took) place.took(ms, nowMs += ms);
  return nowMs;
}

const times = (count: number, ms: number) => new Array<number>(count).fill(ms);

Deno.test("SyncPlace waits for a quick disk on the event loop", () => {
  const place = new SyncPlace();
  assertEquals(place.isOnLoop(100, 0), true);
  const nowMs = take(place, 0, ...times(1_000, 0.2));
  assertEquals(place.isOnLoop(100, nowMs), true);
});

Deno.test("SyncPlace puts up with slow syncs among quick ones", () => {
  const place = new SyncPlace();
  const nowMs = take(place, 0, ...times(100, 0).flatMap(() => [3, 20, 60, 0.2]));
  assertEquals(place.isOnLoop(100, nowMs), true);
});

Deno.test("SyncPlace leaves a slow disk alone for a hundred times what it took", () => {
  for (const slow of [times(167, 0.6), times(50, 2), times(10, 10), [100], [2_500]]) {
    const place = new SyncPlace();
    const nowMs = take(place, 7, ...slow);
    const restMs = 100 * (nowMs - 7);
    assertEquals(place.isOnLoop(100, nowMs), false, `${slow}`);
    assertEquals(place.isOnLoop(100, nowMs + restMs - 1), false, `${slow}`);
    assertEquals(place.isOnLoop(100, nowMs + restMs + 1), true, `${slow}`);
  }
});

Deno.test("SyncPlace gives a slow disk one more chance after each rest", () => {
  const place = new SyncPlace();
  let nowMs = take(place, 0, 100);
  nowMs = take(place, nowMs + 10_001, ...times(9, 10));
  assertEquals(place.isOnLoop(100, nowMs), true);
  nowMs = take(place, nowMs, 10);
  assertEquals(place.isOnLoop(100, nowMs), false);
});

Deno.test("SyncPlace waits for large records beside the event loop", () => {
  const place = new SyncPlace();
  assertEquals(place.isOnLoop(256 << 10, 0), true);
  assertEquals(place.isOnLoop((256 << 10) + 1, 0), false);
});
