import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { putCall } from "../testing/put_call.ts";
import { RetryTimer } from "./retry_timer.ts";

function start() {
  const clock = new VirtualClock();
  const due: string[] = [];
  const timer = new RetryTimer(clock, ({ key }) => due.push(`${key} at ${clock.now()}`));
  return { clock, due, timer };
}

Deno.test("RetryTimer lets every call go after its wait or a little later, with few timers", async () => {
  const { clock, due, timer } = start();
  await clock.advance(3);
  timer.add([putCall("a"), putCall("b")], 20);
  timer.add([putCall("c")], 19);
  timer.add([putCall("d")], 100);
  assertEquals(clock.pending, 2);
  await clock.advance(1_000);
  assertEquals(due, ["a at 24", "b at 24", "c at 24", "d at 104"]);
});

Deno.test("RetryTimer lets no call go that was given up meanwhile", async () => {
  const { clock, due, timer } = start();
  const [given, kept] = [putCall("given up"), putCall("kept")];
  timer.add([given, kept], 8);
  given.settled = true;
  await clock.advance(8);
  assertEquals(due, ["kept at 8"]);
});

Deno.test("RetryTimer.close() leaves no timer behind", async () => {
  const { clock, due, timer } = start();
  timer.add([putCall("k")], 100);
  timer.close();
  assertEquals(clock.pending, 0);
  await clock.advance(1_000);
  assertEquals(due, []);
});
