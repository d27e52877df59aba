import { assertTrips, entryOf, FakeNode, watching } from "./checker_testing.ts";
import { MonotonicChecker } from "./monotonic.ts";
import { Turns } from "./turns.ts";

function newCheckers() {
  const turns = new Turns();
  return watching(turns, new MonotonicChecker(turns));
}

Deno.test("Item 6 trips on a term, commit or applied index that falls within a life", () => {
  for (const name of ["term", "commit", "applied"] as const) {
    const all = newCheckers();
    const node = new FakeNode(1);
    Object.assign(node.status, { term: 5, commit: 5, applied: 5 });
    all.nodeStarted(node.view);
    node.status[name] = 6;
    all.turnEnded(node.view);
    node.status[name] = 5;
    assertTrips("monotonic", () => all.turnEnded(node.view));
  }
});

Deno.test("Item 6 trips on a life that begins behind what the one before left on disk", () => {
  const restart = (facts: { term: number; applied: number; commit: number }) => {
    const all = newCheckers();
    const before = new FakeNode(1);
    before.save({ term: 4, entries: [entryOf(1, 4), entryOf(2, 4)] });
    before.show(2);
    all.nodeStarted(before.view);
    all.nodeStopped(before.view, "stop");
    const after = new FakeNode(1, { life: 2 });
    Object.assign(after.status, facts);
    all.nodeStarted(after.view);
  };
  restart({ term: 4, applied: 2, commit: 2 });
  assertTrips("monotonic", () => restart({ term: 3, applied: 2, commit: 2 }));
  assertTrips("monotonic", () => restart({ term: 4, applied: 1, commit: 2 }));
  assertTrips("monotonic", () => restart({ term: 4, applied: 2, commit: 1 }));
});

Deno.test("Item 6 lets a power cut and a lost disk take what was not promised", () => {
  const all = newCheckers();
  const first = new FakeNode(1);
  first.save({ term: 4 });
  first.show(2);
  all.nodeStarted(first.view);
  all.nodeStopped(first.view, "crash");
  const second = new FakeNode(1, { life: 2 });
  second.status.term = 4;
  all.nodeStarted(second.view);
  all.nodeStopped(second.view, "wipe");
  all.nodeStarted(new FakeNode(1, { life: 3, disk: 2 }).view);
});
