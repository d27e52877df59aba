import { assertEquals } from "@std/assert";
import { AdaptiveSyncPolicy } from "./sync_policy.ts";

/** Syncs of so many milliseconds, one after the other from a moment on. Returns the last one's end. */
function take(policy: AdaptiveSyncPolicy, fromMs: number, ...took: number[]): number {
  let nowMs = fromMs;
  for (const ms of took) policy.took(ms, nowMs += ms);
  return nowMs;
}

const times = (count: number, ms: number) => new Array<number>(count).fill(ms);

Deno.test("AdaptiveSyncPolicy waits for a quick disk on the event loop", () => {
  const policy = new AdaptiveSyncPolicy();
  assertEquals(policy.isOnLoop(100, 0), true);
  const nowMs = take(policy, 0, ...times(1_000, 0.2));
  assertEquals(policy.isOnLoop(100, nowMs), true);
});

Deno.test("AdaptiveSyncPolicy puts up with slow syncs among quick ones", () => {
  const policy = new AdaptiveSyncPolicy();
  const nowMs = take(policy, 0, ...times(100, 0).flatMap(() => [3, 20, 60, 0.2]));
  assertEquals(policy.isOnLoop(100, nowMs), true);
});

Deno.test("AdaptiveSyncPolicy leaves a slow disk alone for a hundred times what it took", () => {
  for (const slow of [times(167, 0.6), times(50, 2), times(10, 10), [100], [2_500]]) {
    const policy = new AdaptiveSyncPolicy();
    const nowMs = take(policy, 7, ...slow);
    const restMs = 100 * (nowMs - 7);
    assertEquals(policy.isOnLoop(100, nowMs), false, `${slow}`);
    assertEquals(policy.isOnLoop(100, nowMs + restMs - 1), false, `${slow}`);
    assertEquals(policy.isOnLoop(100, nowMs + restMs + 1), true, `${slow}`);
  }
});

Deno.test("AdaptiveSyncPolicy gives a slow disk one more chance after each rest", () => {
  const policy = new AdaptiveSyncPolicy();
  let nowMs = take(policy, 0, 100);
  nowMs = take(policy, nowMs + 10_001, ...times(9, 10));
  assertEquals(policy.isOnLoop(100, nowMs), true);
  nowMs = take(policy, nowMs, 10);
  assertEquals(policy.isOnLoop(100, nowMs), false);
});

Deno.test("AdaptiveSyncPolicy waits for large records beside the event loop", () => {
  const policy = new AdaptiveSyncPolicy();
  assertEquals(policy.isOnLoop(256 << 10, 0), true);
  assertEquals(policy.isOnLoop((256 << 10) + 1, 0), false);
});
