import { assertEquals } from "@std/assert";
import { mayForward, NO_FORWARD_METADATA } from "./no_forward.ts";

/** Whether a request with this metadata may be passed on. */
function mayForwardWith(metadata: Readonly<Record<string, string>>): boolean {
  return mayForward({ metadata: (name) => metadata[name] });
}

Deno.test("mayForward() is false for 'eraft-no-forward: 1' alone", () => {
  assertEquals(mayForwardWith({ "eraft-no-forward": "1" }), false);
  assertEquals(mayForwardWith(NO_FORWARD_METADATA), false);
  for (const value of ["0", "", "true", "11"]) {
    assertEquals(mayForwardWith({ "eraft-no-forward": value }), true, value);
  }
  assertEquals(mayForwardWith({}), true);
});
