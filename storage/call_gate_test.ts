import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CallGate } from "./call_gate.ts";
import { EngineClosedError } from "./engine.ts";

Deno.test("CallGate.close() waits for every call under way", async () => {
  const gate = new CallGate("the thing");
  const { promise, resolve } = Promise.withResolvers<void>();
  const order: string[] = [];
  const calls = ["a", "b"].map((name) =>
    gate.run(async () => {
      await promise;
      order.push(name);
    })
  );
  const closes = [1, 2].map(() => gate.close().then(() => order.push("closed")));
  resolve();
  await Promise.all([...calls, ...closes]);
  assertEquals(order, ["a", "b", "closed", "closed"]);
});

Deno.test("CallGate.run() refuses calls after close, naming what is closed", async () => {
  const gate = new CallGate("the thing");
  await gate.close();
  await assertRejects(
    () => gate.run(() => Promise.resolve()),
    EngineClosedError,
    "Cannot use the thing: it is closed",
  );
  assertThrows(() => gate.assertOpen(), EngineClosedError);
});

Deno.test("CallGate.close() does not wait for a call that failed", async () => {
  const gate = new CallGate("the thing");
  await assertRejects(() => gate.run(() => Promise.reject(new Error("no"))), Error, "no");
  await gate.close();
});
