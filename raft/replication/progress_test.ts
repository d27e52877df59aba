import { assertEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../../runtime/invariant.ts";
import { Progress, type ProgressState } from "./progress.ts";

const WINDOW = { messagesMax: 4, bytesMax: 1000 };

/** A member with `match` acknowledged, in the given state. */
function progressIn(state: ProgressState, match = 0, next = match + 1): Progress {
  const progress = new Progress(next, WINDOW);
  progress.acknowledge(match);
  if (state === "replicate") progress.becomeReplicate();
  if (state === "snapshot") progress.becomeSnapshot(next - 1);
  return progress;
}

function summary({ state, match, next }: Progress): [ProgressState, number, number] {
  return [state, match, next];
}

Deno.test("Progress.sent() in probe holds back the next message until there is an answer", () => {
  const progress = progressIn("probe");
  progress.sent(3, 30, 0);
  assertEquals([progress.probeSent, progress.next], [true, 1]);
});

Deno.test("Progress.sent() in replicate goes on optimistically and fills the window", () => {
  const progress = progressIn("replicate");
  progress.sent(3, 30, 2);
  progress.sent(2, 20, 9);
  assertEquals(progress.next, 6);
  assertEquals([progress.inflights.count, progress.inflights.bytes], [2, 50]);
  assertEquals(progress.sentCommit, 5, "a commit index takes effect up to what was sent");
});

Deno.test("Progress.acknowledge() never moves match or next back", () => {
  const progress = progressIn("replicate", 5);
  progress.sent(4, 4, 0);
  assertEquals(progress.acknowledge(7), true);
  assertEquals(progress.acknowledge(6), false);
  assertEquals(progress.acknowledge(7), false);
  assertEquals(summary(progress), ["replicate", 7, 10]);
  assertEquals(progress.acknowledge(12), true);
  assertEquals(summary(progress), ["replicate", 12, 13]);
});

Deno.test("Progress.refuse() in probe believes only the answer to the probe that is out", () => {
  const cases: [rejected: number, hint: number, news: boolean, next: number][] = [
    [9, 4, true, 5],
    [9, 9, true, 9],
    [9, 100, true, 9],
    [9, 0, true, 4],
    [8, 4, false, 10],
    [10, 4, false, 10],
    [0, 0, false, 10],
  ];
  for (const [rejected, hint, news, next] of cases) {
    const progress = progressIn("probe", 3, 10);
    progress.sent(0, 0, 0);
    assertEquals(progress.refuse(rejected, hint), news, `refused ${rejected} hint ${hint}`);
    assertEquals(progress.next, next);
    assertEquals(progress.probeSent, !news);
  }
});

Deno.test("Progress.refuse() in replicate goes back to the last match, unless it is older news", () => {
  const progress = progressIn("replicate", 5);
  progress.sent(4, 4, 0);
  assertEquals(progress.refuse(5, 3), false);
  assertEquals(summary(progress), ["replicate", 5, 10]);
  assertEquals(progress.refuse(9, 3), true);
  assertEquals(summary(progress), ["probe", 5, 6]);
  assertEquals(progress.inflights.count, 0);
});

Deno.test("Progress.refuse() in snapshot is ignored until the member is past the snapshot", () => {
  const progress = progressIn("snapshot", 0, 11);
  assertEquals(progress.refuse(10, 4), false);
  assertEquals(progress.state, "snapshot");
  assertEquals(progress.refuse(15, 10), true);
  assertEquals(summary(progress), ["probe", 0, 11]);
});

Deno.test("Progress.becomeProbe() looks behind a snapshot that may have arrived", () => {
  const progress = progressIn("snapshot", 2, 11);
  assertEquals(progress.pendingSnapshot, 10);
  progress.becomeProbe();
  assertEquals([...summary(progress), progress.pendingSnapshot], ["probe", 2, 11, 0]);
});

Deno.test("Progress.abandonSnapshot() looks behind the last match", () => {
  const progress = progressIn("snapshot", 2, 11);
  progress.abandonSnapshot();
  assertEquals(summary(progress), ["probe", 2, 3]);
  assertThrows(() => progress.abandonSnapshot(), InvariantError);
});

Deno.test("Progress sends no entries beside a snapshot", () => {
  const progress = progressIn("snapshot", 0, 11);
  assertThrows(() => progress.sent(1, 1, 0), InvariantError);
});

Deno.test("Progress.catchingUp is true from a snapshot on until the member needs no more entries kept for it", () => {
  const progress = progressIn("probe", 2, 11);
  assertEquals(progress.catchingUp, false, "it is only slow");
  progress.becomeSnapshot(10);
  progress.endCatchUp(20);
  progress.acknowledge(10);
  progress.becomeReplicate();
  progress.endCatchUp(30);
  progress.sent(25, 25, 0);
  progress.acknowledge(29);
  progress.endCatchUp(30);
  assertEquals(progress.catchingUp, true);
  progress.acknowledge(30);
  progress.endCatchUp(30);
  assertEquals(progress.catchingUp, false);
  progress.endCatchUp(31);
  assertEquals(progress.catchingUp, false, "another snapshot would have to be named first");
});

Deno.test("Progress.reach is what a member has, or will have with the snapshot on its way", () => {
  const progress = progressIn("snapshot", 2, 11);
  assertEquals(progress.reach, 10);
  progress.becomeProbe();
  assertEquals(progress.reach, 10, "it may have arrived");
  progress.acknowledge(12);
  progress.becomeReplicate();
  progress.sent(5, 5, 0);
  assertEquals([progress.next, progress.reach], [18, 12], "what is on its way may be lost");
  progress.becomeSnapshot(20);
  progress.abandonSnapshot();
  assertEquals(progress.reach, 12);
});
