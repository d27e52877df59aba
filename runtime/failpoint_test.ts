import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { failpoint, setFailpoint } from "./failpoint.ts";

Deno.test("failpoint() does nothing where no hook is set", () => {
  assertEquals(failpoint("raft/beforeSave"), undefined);
  using _ = setFailpoint("raft/afterSave", () => {});
  assertEquals(failpoint("raft/beforeSave"), undefined);
});

Deno.test("setFailpoint() runs the hook with the detail until it is disposed", async () => {
  const seen: unknown[] = [];
  {
    using _ = setFailpoint("raft/beforeSave", (detail) => {
      seen.push(detail);
    });
    failpoint("raft/beforeSave", 1);
    await failpoint("raft/beforeSave", 2);
  }
  failpoint("raft/beforeSave", 3);
  assertEquals(seen, [1, 2]);
});

Deno.test("setFailpoint() lets a hook throw, reject, and stand alone", async () => {
  using _ = setFailpoint("a/sync", () => {
    throw new Error("Crash here");
  });
  using __ = setFailpoint("a/async", () => Promise.reject(new Error("Crash there")));
  assertThrows(() => failpoint("a/sync"), Error, "Crash here");
  await assertRejects(async () => await failpoint("a/async"), Error, "Crash there");
  assertThrows(() => setFailpoint("a/sync", () => {}), TypeError, '"a/sync"');
});
