import { assertEquals } from "@std/assert";
import { CatchUp } from "./catch_up.ts";
import {
  BRAKE_MS_MAX,
  BRAKE_MS_MIN,
  CATCH_UP_ROUNDS_MAX,
  HAND_OVER_RECORDS_MAX,
} from "./limits.ts";
import { changeCursor } from "./machine_keys.ts";

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

Deno.test("CatchUp asks for the freeze once little has changed, by the word of who knows", () => {
  const records = { ...chunk(0, 0), cursor: Buffer.from("\x02k") };
  assertEquals(new CatchUp().isNear(NO_BYTES, records), false, "still copying");
  const catchUp = new CatchUp();
  assertEquals(catchUp.isNear(Buffer.from("\x02k"), chunk(0, 0, { ended: true })), false);
  assertEquals(new CatchUp().isNear(changeCursor(0), chunk(0, 0, { ended: true })), true);
  const many = { ended: true, records: HAND_OVER_RECORDS_MAX + 1 };
  assertEquals(catchUp.isNear(changeCursor(0), chunk(4_000, 5_000)), false);
  assertEquals(catchUp.isNear(changeCursor(4_000), chunk(6_000, 6_000, many)), false);
  assertEquals(catchUp.isNear(changeCursor(6_000), chunk(6_100, 6_100, { ended: true })), true);
});

Deno.test("CatchUp does not wait for large values to become few", () => {
  const large = { ...RECORD, value: Buffer.alloc(200 << 10) };
  const catchUp = new CatchUp();
  catchUp.isNear(NO_BYTES, chunk(0, 1_000));
  const answer = { ...chunk(10, 10, { ended: true }), records: [large, large] };
  assertEquals(catchUp.isNear(changeCursor(0), answer), false);
});

Deno.test("CatchUp slows writers down that are as fast as the copy, and in the end gives up", () => {
  const catchUp = new CatchUp();
  catchUp.isNear(changeCursor(0), chunk(0, 10_000));
  assertEquals(catchUp.brakeMs, 0);
  assertEquals(catchUp.isNear(changeCursor(0), chunk(9_000, 16_000)), false);
  assertEquals(catchUp.brakeMs, 0, "the round is not over");
  assertEquals(catchUp.isNear(changeCursor(9_000), chunk(10_000, 16_000)), false);
  assertEquals(catchUp.brakeMs, BRAKE_MS_MIN);
  assertEquals(catchUp.isNear(changeCursor(10_000), chunk(16_000, 18_000)), false);
  assertEquals(catchUp.brakeMs, BRAKE_MS_MIN, "that helps");
  assertEquals(catchUp.isNear(changeCursor(16_000), chunk(18_000, 19_500)), false);
  assertEquals(catchUp.brakeMs, BRAKE_MS_MAX);
  assertEquals(catchUp.isNear(changeCursor(18_000), chunk(19_500, 20_500)), true);
});

Deno.test("CatchUp gives up after a number of rounds, however much shorter each is", () => {
  const catchUp = new CatchUp();
  let [at, size] = [0, 2 ** 20];
  let rounds = 0;
  for (let isNear = false; !isNear; rounds++) {
    isNear = catchUp.isNear(changeCursor(at), chunk(at, at + size));
    at += size;
    size /= 2;
  }
  assertEquals(rounds, CATCH_UP_ROUNDS_MAX + 1);
});
