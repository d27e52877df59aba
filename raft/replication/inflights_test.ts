import { assertEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../../runtime/invariant.ts";
import { Inflights } from "./inflights.ts";

Deno.test("Inflights.full is true at the bound on messages", () => {
  const window = new Inflights({ messagesMax: 2, bytesMax: 1000 });
  window.add(1, 10);
  assertEquals(window.full, false);
  window.add(2, 10);
  assertEquals(window.full, true);
  assertThrows(() => window.add(3, 10), InvariantError);
});

Deno.test("Inflights.full is true at the bound on bytes, which one message may exceed", () => {
  const window = new Inflights({ messagesMax: 10, bytesMax: 100 });
  window.add(1, 99);
  assertEquals(window.full, false);
  window.add(2, 500);
  assertEquals(window.full, true);
  window.freeTo(2);
  assertEquals([window.full, window.bytes], [false, 0]);
});

Deno.test("Inflights.freeTo() forgets messages that end at or below the index, around the ring", () => {
  const window = new Inflights({ messagesMax: 4, bytesMax: 1000 });
  for (let index = 1; index <= 100; index++) {
    window.add(index * 10, 5);
    if (window.full) window.freeTo((index - 2) * 10 + 9);
  }
  window.freeTo(985);
  assertEquals([window.count, window.bytes], [2, 10]);
  window.freeTo(0);
  assertEquals(window.count, 2, "an old acknowledgement frees nothing");
  window.freeTo(5000);
  assertEquals([window.count, window.bytes], [0, 0]);
});

Deno.test("Inflights.reset() empties the window", () => {
  const window = new Inflights({ messagesMax: 2, bytesMax: 10 });
  window.add(1, 10);
  window.reset();
  assertEquals([window.count, window.bytes, window.full], [0, 0, false]);
  window.add(1, 3);
  assertEquals([window.count, window.bytes], [1, 3]);
});
