import { assertEquals } from "@std/assert";
import { RequestSignal } from "./request_signal.ts";

Deno.test("RequestSignal drops what an older request still brings", async () => {
  const request = new RequestSignal<string>();
  const slow = Promise.withResolvers<string>();
  let aborted = false;
  const first = request.run((signal) => {
    signal.addEventListener("abort", () => aborted = true);
    return slow.promise;
  });
  assertEquals(request.state.value, { kind: "waiting" });
  await request.run(() => Promise.resolve("second"));
  slow.resolve("first");
  await first;
  assertEquals(aborted, true);
  assertEquals(request.state.value, { kind: "done", value: "second" });
});

Deno.test("RequestSignal tells failures, and forgets them when reset", async () => {
  const request = new RequestSignal<string>();
  const error = new Error("No");
  await request.run(() => Promise.reject(error));
  assertEquals(request.state.value, { kind: "failed", error });
  request.reset();
  assertEquals(request.state.value, { kind: "idle" });
});
