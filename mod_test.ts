import { assertThrows } from "@std/assert";
import { connect } from "./mod.ts";

Deno.test("connect() checks addresses in a list as it does in a text", async () => {
  for (const wrong of ["localhost", "localhost:", "", "no host:1", "localhost:1,localhost:1"]) {
    assertThrows(() => connect({ controllers: wrong }), SyntaxError);
    assertThrows(() => connect({ controllers: wrong.split(",") }), SyntaxError);
  }
  assertThrows(() => connect({ controllers: [] }), SyntaxError, "empty list");
  assertThrows(() => connect({ controllers: ["localhost:70000"] }), RangeError, "not 70000");
  const clerk = connect({ controllers: ["localhost:50051", " localhost:50052"] });
  await clerk.close();
});
