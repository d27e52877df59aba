import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { InvariantError } from "../../runtime/invariant.ts";
import { Session, SESSION_WINDOW_MAX } from "./session.ts";

Deno.test("Session.lowestUnanswered is the lowest open number, whatever the order of answers", () => {
  // Each step issues a number or answers one of those that are open.
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 3_000 }), (steps) => {
      const session = new Session("1");
      const open: number[] = [];
      let next = 1;
      for (const step of steps) {
        if (step % 2 === 0 || open.length === 0) {
          assertEquals(session.issue(), next);
          open.push(next++);
        } else {
          const [sequence] = open.splice(step % open.length, 1);
          session.answered(sequence ?? 0);
        }
        assertEquals(session.lowestUnanswered, open.length === 0 ? next : Math.min(...open));
      }
    }),
    { seed: 1, numRuns: 50 },
  );
});

Deno.test("Session.issue() stops at the window and goes on once the lowest is answered", () => {
  const session = new Session("1");
  for (let i = 0; i < SESSION_WINDOW_MAX; i++) session.issue();
  assertEquals(session.issue(), undefined);
  let woken = 0;
  session.whenOpen(() => woken++);
  session.answered(2);
  assertEquals([session.issue(), woken], [undefined, 0]);
  session.answered(1);
  assertEquals([session.issue(), woken], [SESSION_WINDOW_MAX + 1, 1]);
  assertEquals(session.lowestUnanswered, 3);
});

Deno.test("Session keeps what was answered when it grows while its numbers wrap around", () => {
  const session = new Session("1");
  for (let sequence = 1; sequence <= 1_000; sequence++) {
    session.issue();
    session.answered(sequence);
  }
  const hung = session.issue() ?? 0;
  for (let sequence = hung + 1; sequence <= 6_000; sequence++) {
    session.issue();
    session.answered(sequence);
  }
  assertEquals(session.lowestUnanswered, hung);
  session.answered(hung);
  assertEquals(session.lowestUnanswered, 6_001);
});

Deno.test("Session.answered() refuses a number that is not open", () => {
  const session = new Session("1");
  session.issue();
  session.answered(1);
  assertThrows(() => session.answered(1), InvariantError);
  assertThrows(() => session.answered(2), InvariantError);
});

Deno.test("Session.whenOpen() calls back once", () => {
  const session = new Session("7", 1);
  let calls = 0;
  for (let turn = 1; turn <= 3; turn++) {
    assertEquals(session.issue(), turn);
    if (turn === 1) session.whenOpen(() => calls++);
    session.answered(turn);
  }
  assertEquals(calls, 1);
});
