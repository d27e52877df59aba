/** Progress and its window against dumb lists of everything that was ever sent. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Inflights } from "./inflights.ts";
import { Progress } from "./progress.ts";

const MESSAGES_MAX = 4;
const BYTES_MAX = 30;
const WINDOW = { messagesMax: MESSAGES_MAX, bytesMax: BYTES_MAX };

interface Sent {
  readonly last: number;
  readonly bytes: number;
}

function sum(messages: readonly Sent[]): number {
  return messages.reduce((total, { bytes }) => total + bytes, 0);
}

Deno.test("Inflights agrees with a list of what was sent and not acknowledged", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "add", "add", "free", "reset"),
    a: fc.nat(12),
    bytes: fc.nat(20),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const window = new Inflights(WINDOW);
      let list: Sent[] = [];
      let last = 0;
      for (const { kind, a, bytes } of steps) {
        if (kind === "add" && !window.full) {
          last += 1 + a % 3;
          window.add(last, bytes);
          list.push({ last, bytes });
        } else if (kind === "free") {
          window.freeTo(last - a);
          list = list.filter((message) => message.last > last - a);
        } else if (kind === "reset" && a === 0) {
          window.reset();
          list = [];
        }
        const full = list.length >= MESSAGES_MAX || sum(list) >= BYTES_MAX;
        assertEquals([window.count, window.bytes, window.full], [list.length, sum(list), full]);
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
});

/** What a leader does with a member, or hears from it. */
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom(
      ...["send", "send", "send", "acknowledge", "acknowledge", "refuse"] as const,
      ...["probe", "replicate", "snapshot", "abandon", "keep"] as const,
    ),
    a: fc.nat(20),
    b: fc.nat(20),
  }),
  { maxLength: 60, size: "max" },
);

/** Everything that happened, as lists; each question searches them from the beginning. */
class History {
  readonly acknowledged: number[] = [0];
  /** Sent since the member's state last changed. */
  sent: Sent[] = [];
  /** Whether a snapshot was named, and all that was kept at some time since was not acknowledged. */
  catchingUp = false;
  /** What is left of them, by the same rule as a window. */
  window: Sent[] = [];

  get match(): number {
    return Math.max(...this.acknowledged);
  }

  /** How far entries were sent, or are known to be there. */
  get end(): number {
    return Math.max(this.match, ...this.sent.map(({ last }) => last));
  }
}

/** A refusal moves a probe only if it answers the one that is out. */
function refuse(progress: Progress, rejected: number, hint: number): void {
  const { state, next, match } = progress;
  const isNews = progress.refuse(rejected, hint);
  if (state !== "probe") return;
  assertEquals(isNews, rejected === next - 1);
  const back = Math.max(Math.min(rejected, hint + 1), match + 1);
  assertEquals(progress.next, isNews ? back : next);
}

Deno.test("Progress agrees with the list of what was sent and acknowledged", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const progress = new Progress(1, WINDOW);
      const list = new History();
      for (const { kind, a, b } of history) {
        const before = { match: progress.match, state: progress.state };
        switch (kind) {
          case "send": {
            if (progress.state !== "replicate" || progress.inflights.full) break;
            const count = a % 4;
            const last = progress.next + count - 1;
            progress.sent(count, b, 0);
            if (count > 0) list.sent.push({ last, bytes: b });
            if (count > 0) list.window.push({ last, bytes: b });
            break;
          }
          case "acknowledge": {
            // Late, repeated and reordered answers come as well.
            const index = Math.min(a, progress.next - 1);
            assertEquals(progress.acknowledge(index), index > list.match);
            list.acknowledged.push(index);
            progress.inflights.freeTo(index);
            list.window = list.window.filter(({ last }) => last > index);
            break;
          }
          case "refuse":
            refuse(progress, a, b);
            break;
          case "probe":
            progress.becomeProbe();
            break;
          case "replicate":
            progress.becomeReplicate();
            break;
          case "snapshot":
            progress.becomeSnapshot(progress.match + 1 + a);
            list.catchingUp = true;
            break;
          case "abandon":
            if (progress.state === "snapshot") progress.abandonSnapshot();
            break;
          case "keep":
            progress.endCatchUp(a);
            if (list.match >= a) list.catchingUp = false;
            break;
        }
        const entered = progress.state !== before.state ||
          (kind === "replicate" || kind === "probe" || kind === "snapshot");
        if (entered) {
          list.sent = [];
          list.window = [];
        }
        assertEquals(progress.match, list.match, "match is the highest acknowledgement");
        assertEquals(progress.next > progress.match, true, "next is behind match");
        assertEquals(progress.pendingSnapshot > 0, progress.state === "snapshot");
        assertEquals(progress.catchingUp, list.catchingUp);
        assertEquals(progress.reach >= progress.match, true, "it needs nothing that it has");
        assertEquals(progress.inflights.count, list.window.length);
        assertEquals(progress.inflights.bytes, sum(list.window));
        if (progress.state === "replicate") {
          assertEquals(progress.next, list.end + 1, "pipelining goes on where sending ended");
        }
      }
    }),
    { seed: 2, numRuns: 2000 },
  );
});

Deno.test("probing finds where the logs meet, whatever the follower has", () => {
  const terms = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12, size: "max" })
    .map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(terms, terms, fc.nat(11), (own, other, agreed) => {
      // Equal up to a point: logs with the same term at a place are equal before it.
      const leader = own;
      const follower = [...own.slice(0, agreed), ...other.filter((t) => t >= (own[agreed] ?? 6))];
      const termIn = (log: readonly number[], index: number) => index === 0 ? 0 : log[index - 1];
      const lastOfTerm = (log: readonly number[], from: number, term: number) => {
        let index = Math.min(from, log.length);
        while (index > 0 && (termIn(log, index) ?? 0) > term) index--;
        return index;
      };
      const progress = new Progress(leader.length + 1, WINDOW);
      const visited = new Set<number>();
      for (;;) {
        const prev = progress.next - 1;
        assertEquals(visited.has(prev), false, "no place is asked about twice");
        visited.add(prev);
        progress.sent(0, 0, 0);
        const term = termIn(leader, prev) ?? 0;
        if (termIn(follower, prev) === term) break;
        const theirs = lastOfTerm(follower, prev, term);
        const hint = lastOfTerm(leader, theirs, termIn(follower, theirs) ?? 0);
        assertEquals(progress.refuse(prev, hint), true, "a fresh refusal is news");
      }
      assertEquals(visited.size <= 1 + new Set([...leader, ...follower]).size, true);
    }),
    { seed: 3, numRuns: 3000 },
  );
});
