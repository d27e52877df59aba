import { assertEquals, assertRejects } from "@std/assert";
import { abortable } from "./abortable.ts";

Deno.test("abortable() settles as its promise does", async () => {
  const { signal } = new AbortController();
  assertEquals(await abortable(Promise.resolve(1), signal), 1);
  await assertRejects(() => abortable(Promise.reject(new Error("no")), signal), Error, "no");
});

Deno.test("abortable() gives up when its signal aborts, and a late failure harms nobody", async () => {
  const stop = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const waiting = assertRejects(() => abortable(promise, stop.signal), Error, "stopped");
  stop.abort(new Error("stopped"));
  await waiting;
  await assertRejects(() => abortable(promise, stop.signal), Error, "stopped");
  reject(new Error("too late"));
});
