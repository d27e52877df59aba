import { assertEquals } from "@std/assert";
import {
  BRAKE_MS_MAX,
  BRAKE_MS_MIN,
  HAND_OVER_RECORDS_MAX,
  LOOK_CHUNKS,
  STALLED_LOOKS_MAX,
} from "../limits.ts";
import { changeCursor } from "../machine/machine_keys.ts";
import { CatchUp } from "./catch_up.ts";

const NO_BYTES = Buffer.alloc(0);
const RECORD = { key: Buffer.from("\x02k"), value: Buffer.from("v"), deleted: false };

/** A chunk that ends with change `at` of `changes`. */
function chunk(at: number, changes: number, facts: { ended?: boolean; records?: number } = {}) {
  const { ended = false, records = 1 } = facts;
  return {
    records: new Array(records).fill(RECORD),
    cursor: changeCursor(at),
    done: false,
    ended,
    keysTotal: 1,
    bytesTotal: 2,
    changes,
  };
}

Deno.test("CatchUp asks for the freeze once a replica that knows all changes has few left", () => {
  const records = { ...chunk(0, 0), cursor: Buffer.from("\x02k") };
  assertEquals(new CatchUp().note(NO_BYTES, records), false, "still copying");
  const catchUp = new CatchUp();
  assertEquals(catchUp.note(Buffer.from("\x02k"), chunk(0, 0, { ended: true })), false);
  assertEquals(new CatchUp().note(changeCursor(0), chunk(0, 0, { ended: true })), true);
  const many = { ended: true, records: HAND_OVER_RECORDS_MAX + 1 };
  assertEquals(catchUp.note(changeCursor(0), chunk(4_000, 5_000)), false);
  assertEquals(catchUp.note(changeCursor(4_000), chunk(6_000, 6_000, many)), false);
  assertEquals(catchUp.note(changeCursor(6_000), chunk(6_100, 6_100, { ended: true })), true);
});

Deno.test("CatchUp does not wait for large values to become few", () => {
  const large = { ...RECORD, value: Buffer.alloc(200 << 10) };
  const catchUp = new CatchUp();
  catchUp.note(NO_BYTES, chunk(0, 1_000));
  const answer = { ...chunk(10, 10, { ended: true }), records: [large, large] };
  assertEquals(catchUp.note(changeCursor(0), answer), false);
});

/** Chunks up to the next look, in which the copy takes in and writers make so many changes each. */
function look(
  catchUp: CatchUp,
  from: { at: number; changes: number },
  taken: number,
  made: number,
) {
  let isNear = false;
  for (let i = 0; i < LOOK_CHUNKS; i++) {
    const before = changeCursor(from.at);
    from.at += taken;
    from.changes += made;
    isNear = catchUp.note(before, chunk(from.at, from.changes));
  }
  return isNear;
}

Deno.test("CatchUp slows writers down as soon as they are half as fast as the copy, step by step", () => {
  const catchUp = new CatchUp();
  const place = { at: 0, changes: 100_000 };
  assertEquals(look(catchUp, place, 100, 40), false);
  assertEquals(catchUp.brakeMs, 0);
  look(catchUp, place, 100, 60);
  assertEquals(catchUp.brakeMs, BRAKE_MS_MIN);
  look(catchUp, place, 100, 40);
  assertEquals(catchUp.brakeMs, BRAKE_MS_MIN, "that helps");
  for (let i = 0; i < 10; i++) look(catchUp, place, 100, 90);
  assertEquals(catchUp.brakeMs, BRAKE_MS_MAX);
  look(catchUp, place, 100, 10);
  assertEquals(catchUp.brakeMs, BRAKE_MS_MAX / 2, "they are slower than they have to be");
  for (let i = 0; i < 10; i++) look(catchUp, place, 100, 10);
  assertEquals(catchUp.brakeMs, 0);
});

Deno.test("CatchUp asks for the freeze if writers stay faster than the copy at the longest brake", () => {
  const catchUp = new CatchUp();
  const place = { at: 0, changes: 100_000 };
  for (let i = 0; i < 100; i++) {
    assertEquals(look(catchUp, place, 100, 99), false, "less and less is left");
  }
  let looks = 1;
  while (!look(catchUp, place, 100, 101)) looks++;
  assertEquals(looks, STALLED_LOOKS_MAX);
});

Deno.test("CatchUp does not ask for the freeze while it could slow the writers down more", () => {
  const catchUp = new CatchUp();
  const place = { at: 0, changes: 1_000 };
  look(catchUp, place, 100, 0);
  for (let i = 0; i < 2 * STALLED_LOOKS_MAX; i++) assertEquals(look(catchUp, place, 0, 0), false);
  assertEquals(catchUp.brakeMs, 0);
});
