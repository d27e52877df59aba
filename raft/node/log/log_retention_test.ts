import { assertEquals } from "@std/assert";
import type { LogIndex } from "../../types.ts";
import { cutIndex } from "./log_retention.ts";

/** A log of entries of 10 bytes that begins behind `start`. */
function coreWith(start: LogIndex, needed: readonly LogIndex[]) {
  const asked: LogIndex[] = [];
  return {
    asked,
    compactionIndex: (retain: { applied: LogIndex; entriesMax: number; bytesMax: number }) =>
      Math.max(start, retain.applied - Math.min(retain.entriesMax, retain.bytesMax / 10)),
    catchUpIndexes: (usual: LogIndex) => {
      asked.push(usual);
      return needed;
    },
  };
}

Deno.test("cutIndex() keeps what members need that are brought up to date, up to four times the limits", () => {
  const cases: [what: string, start: LogIndex, needed: LogIndex[], cut: LogIndex][] = [
    ["nobody is brought up to date", 0, [], 900],
    ["it needs what is kept anyway", 0, [950], 900],
    ["it needs a little more", 0, [850], 850],
    ["the oldest counts", 0, [880, 700, 850], 700],
    ["the bound is reached", 0, [600], 600],
    ["the bound is passed", 0, [599], 900],
    ["one is past help, and the other is not", 0, [599, 650], 650],
    ["what it needs is gone", 800, [799], 900],
    ["nothing more can be cut", 800, [800], 800],
  ];
  for (const [what, start, needed, cut] of cases) {
    const byCount = { entriesMax: 100, bytesMax: 1_000_000 };
    assertEquals(cutIndex(coreWith(start, needed), 1_000, byCount), cut, what);
    const byBytes = { entriesMax: 1_000_000, bytesMax: 1_000 };
    assertEquals(cutIndex(coreWith(start, needed), 1_000, byBytes), cut, `${what}, by bytes`);
  }
});

Deno.test("cutIndex() keeps more only for members that lack something behind the usual cut", () => {
  const core = coreWith(0, []);
  cutIndex(core, 1_000, { entriesMax: 100, bytesMax: 1_000_000 });
  assertEquals(core.asked, [900]);
});
