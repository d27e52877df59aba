import { assertEquals, assertThrows } from "@std/assert";
import { invariant, InvariantError, unreachable } from "./invariant.ts";

Deno.test("invariant() throws its message when the condition does not hold", () => {
  let built = 0;
  const message = () => `Commit ${++built} is above the last index`;
  invariant(true, message);
  assertEquals(built, 0);
  assertThrows(() => invariant(false, message), InvariantError, "Commit 1 is above");
  assertThrows(() => invariant(undefined, "Term went back"), InvariantError, "Term went back");
});

Deno.test("unreachable() names the value that was held impossible", () => {
  const surprise = "witness" as never;
  assertThrows(() => unreachable(surprise), InvariantError, "witness");
});
